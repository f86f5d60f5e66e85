// Auth.js on Express, with its TikTok provider; the session shows the account, as its guide on refresh does.
// The endpoints are options; setting one replaces the whole of it, parameters included.

import { ExpressAuth } from "@auth/express";
import TikTok from "@auth/express/providers/tiktok";
import express from "express";

import { serve, settings } from "./served.mjs";

serve(() => {
  const app = express();
  app.set("trust proxy", true);
  app.use(
    /^\/auth\/(.*)/,
    ExpressAuth({
      secret: "a-secret-of-the-app",
      trustHost: true,
      providers: [
        TikTok({
          clientId: settings.client_key,
          clientSecret: settings.client_secret,
          authorization: {
            url: `${settings.emulator}/v2/auth/authorize/`,
            params: { client_key: settings.client_key, scope: "user.info.basic" },
          },
          token: `${settings.emulator}/v2/oauth/token/`,
          userinfo: `${settings.emulator}/v2/user/info/?fields=open_id,avatar_url,display_name`,
        }),
      ],
      callbacks: {
        jwt: ({ token, account }) => (account ? { ...token, account } : token),
        session: ({ session, token }) => ({ ...session, account: token.account }),
      },
    }),
  );
  return app;
});
