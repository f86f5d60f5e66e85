// better-auth with its TikTok provider, on node's own server.

import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";
import { toNodeHandler } from "better-auth/node";

import { serve, settings } from "./served.mjs";

serve((origin) =>
  toNodeHandler(
    betterAuth({
      baseURL: origin,
      secret: "a-secret-of-the-app-that-is-long-enough-for-better-auth",
      database: memoryAdapter({ user: [], session: [], account: [], verification: [] }),
      socialProviders: {
        tiktok: {
          clientKey: settings.client_key,
          clientSecret: settings.client_secret,
          scope: settings.scopes,
        },
      },
      telemetry: { enabled: false },
    }),
  ),
);
