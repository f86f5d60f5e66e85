// oidc-provider, the certified OpenID Connect server for node. The tests say which clients it has; a person signs in
// and consents by an address instead of a form, and a POST to /keys retires the keys it signs with for new ones.

import "./node20.mjs";
import { generateKeyPairSync } from "node:crypto";

import Provider from "oidc-provider";
import { createMemoryAdapter } from "oidc-provider/lib/adapters/memory_adapter.js";

import { serve, settings } from "./served.mjs";

const DAY = 24 * 60 * 60;

function newKeys() {
  const pairs = [
    generateKeyPairSync("rsa", { modulusLength: 2048 }),
    generateKeyPairSync("ec", { namedCurve: "P-256" }),
    generateKeyPairSync("ed25519"),
  ];
  return pairs.map(({ privateKey }) => privateKey.export({ format: "jwk" }));
}

// What is kept outlives a change of keys: the server itself reads its keys once.
const kept = {
  adapter: createMemoryAdapter(),
  clients: settings.clients,
  claims: {
    email: ["email", "email_verified"],
    openid: ["sub"],
    profile: ["name", "picture", "preferred_username"],
  },
  cookies: { keys: ["a key of the server's cookies"] },
  enabledJWA: { idTokenSigningAlgValues: ["RS256", "PS256", "ES256", "EdDSA"] },
  features: { devInteractions: { enabled: false }, revocation: { enabled: true } },
  findAccount: (context, subject) => ({
    accountId: subject,
    claims: () => ({ sub: subject, ...settings.people[subject] }),
  }),
  pkce: { required: () => true },
  rotateRefreshToken: true,
  ttl: { AccessToken: 600, Grant: DAY, IdToken: 600, Interaction: 600, RefreshToken: DAY, Session: DAY },
};

function newProvider(origin) {
  const provider = new Provider(origin, { ...kept, jwks: { keys: newKeys() } });
  return { provider, answer: provider.callback() };
}

async function grantTo(provider, accountId, { client_id: clientId, scope }) {
  const grant = new provider.Grant({ accountId, clientId });
  grant.addOIDCScope(scope);
  return { login: { accountId }, consent: { grantId: await grant.save() } };
}

// Without a decision, show what the server has understood of the authorization request.
async function interact(provider, request, response, decision) {
  const { params } = await provider.interactionDetails(request, response);
  if (decision.has("account")) {
    const result = await grantTo(provider, decision.get("account"), params);
    await provider.interactionFinished(request, response, result);
  } else if (decision.has("error")) {
    await provider.interactionFinished(request, response, { error: decision.get("error") });
  } else {
    show(response, params);
  }
}

function show(response, data) {
  response.setHeader("Content-Type", "application/json").end(JSON.stringify(data));
}

function makeListener(origin) {
  const sockets = new WeakSet();
  let current = newProvider(origin);
  let connections = 0;

  function answer(request, response, { pathname, searchParams }) {
    if (!sockets.has(request.socket)) {
      sockets.add(request.socket);
      connections += 1;
    }
    if (!pathname.startsWith("/interaction/")) {
      return current.answer(request, response);
    }
    return interact(current.provider, request, response, searchParams).catch((error) => {
      console.error(error);
      response.writeHead(500).end(error.message);
    });
  }

  return (request, response) => {
    const url = new URL(request.url, origin);
    if (url.pathname === "/connections") {
      show(response, { connections });
    } else if (url.pathname === "/keys" && request.method === "POST") {
      current = newProvider(origin);
      show(response, {});
    } else {
      answer(request, response, url);
    }
  };
}

serve(makeListener);
