// passport-tiktok-auth on Express as its README has it, with a session, and passport-oauth2-refresh beside it.

import express from "express";
import session from "express-session";
import passport from "passport";
import refresh from "passport-oauth2-refresh";
import TikTok from "passport-tiktok-auth";

import { serve, settings } from "./served.mjs";

function makeStrategy(origin) {
  const options = {
    clientID: settings.client_key,
    clientSecret: settings.client_secret,
    scope: settings.scopes,
    callbackURL: `${origin}/auth/tiktok/callback`,
    state: true,
    pkce: settings.pkce,
    authorizationURL: `${settings.emulator}/v2/auth/authorize/`,
    tokenURL: `${settings.emulator}/v2/oauth/token/`,
    profileURL: `${settings.emulator}/v2/user/info/`,
  };
  return new TikTok.Strategy(options, (accessToken, refreshToken, { id, username, displayName }, done) =>
    done(null, { id, username, displayName, accessToken, refreshToken }),
  );
}

function renew(request, response, next) {
  refresh.requestNewAccessToken(
    "tiktok",
    request.user.refreshToken,
    settings.refresh_parameters,
    (error, accessToken, refreshToken, results) =>
      error ? next(error) : response.json({ accessToken, refreshToken, results }),
  );
}

function makeApp(origin) {
  const strategy = makeStrategy(origin);
  passport.use(strategy);
  refresh.use(strategy);
  passport.serializeUser((user, done) => done(null, user));
  passport.deserializeUser((user, done) => done(null, user));

  const app = express();
  app.use(session({ secret: "interop", resave: false, saveUninitialized: false }));
  app.use(passport.session());
  app.get("/auth/tiktok", passport.authenticate("tiktok"));
  app.get("/auth/tiktok/callback", passport.authenticate("tiktok", { failWithError: true }), (request, response) =>
    response.redirect("/me"),
  );
  app.get("/me", (request, response) => response.json(request.user ?? null));
  app.post("/refresh", renew);
  app.use((error, request, response, next) =>
    response.status(500).json({ message: error.message, cause: error.oauthError ?? null }),
  );
  return app;
}

serve(makeApp);
