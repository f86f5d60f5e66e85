// Loaded before a client that has TikTok's addresses built in: its calls go to the emulator, and nothing else of
// them changes. It is what a line in a hosts file would do, were it not for TLS.

import { settings } from "./served.mjs";

const TIKTOK = ["https://open.tiktokapis.com/", "https://www.tiktok.com/"];
const { fetch } = globalThis;

function moved(url) {
  const home = TIKTOK.find((origin) => url.startsWith(origin));
  return home ? url.replace(home, `${settings.emulator}/`) : url;
}

globalThis.fetch = (input, init) =>
  fetch(input instanceof Request ? new Request(moved(input.url), input) : moved(String(input)), init);
