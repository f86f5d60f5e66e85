// What the apps share: their settings, a free port that they announce, and an end when the test has ended.

import { createServer } from "node:http";

export const settings = JSON.parse(process.env.INTEROP);

export function serve(makeListener) {
  const server = createServer();
  server.listen(0, "127.0.0.1", () => {
    const origin = `http://127.0.0.1:${server.address().port}`;
    server.on("request", makeListener(origin));
    console.log(origin);
  });
  process.stdin.on("end", () => process.exit()).resume();
}
