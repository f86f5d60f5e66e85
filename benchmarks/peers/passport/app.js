// passport on Express, with a strategy for TikTok and sessions in memory.
//
//     node app.js SITE PROVIDER CLIENT_ID CLIENT_SECRET
//
// Prints one line of JSON, the port and the path that starts a login, and serves until its standard input ends.

const express = require("express");
const session = require("express-session");
const passport = require("passport");
const OAuth2Strategy = require("passport-oauth2");

const FIELDS = "open_id,union_id,avatar_url,display_name";
const START = "/auth/tiktok";
const [site, provider, clientId, clientSecret] = process.argv.slice(2);

class TikTokStrategy extends OAuth2Strategy {
  authorizationParams() {
    return { client_key: clientId };
  }

  userProfile(accessToken, done) {
    this._oauth2.get(`${provider}/v2/user/info/?fields=${FIELDS}`, accessToken, (error, body) => {
      if (error) return done(error);
      try {
        return done(null, JSON.parse(body).data.user);
      } catch (failure) {
        return done(failure);
      }
    });
  }
}

const strategy = new TikTokStrategy(
  {
    authorizationURL: "https://www.tiktok.com/v2/auth/authorize/",
    tokenURL: `${provider}/v2/oauth/token/`,
    clientID: clientId,
    clientSecret,
    callbackURL: `${site}${START}/callback`,
    scope: ["user.info.basic"],
    state: true,
  },
  (accessToken, refreshToken, profile, done) => done(null, { id: profile.open_id }),
);
strategy._oauth2.useAuthorizationHeaderforGET(true);
passport.use("tiktok", strategy);
passport.serializeUser((user, done) => done(null, user.id));
passport.deserializeUser((id, done) => done(null, { id }));

const app = express();
const secret = "a-secret-for-benchmarks-of-32-bytes-and-more";
app.use(session({ secret, resave: false, saveUninitialized: false }));
app.use(passport.session());
app.get(START, passport.authenticate("tiktok"));
app.get(`${START}/callback`, passport.authenticate("tiktok", { successRedirect: "/", failureRedirect: "/login" }));
app.get("/me", (request, response) => response.json({ user: request.user ? request.user.id : null }));

const server = app.listen(0, "127.0.0.1", 512, () => {
  console.log(JSON.stringify({ port: server.address().port, start: START, method: "GET" }));
});
process.stdin.on("end", () => process.exit(0)).resume();
