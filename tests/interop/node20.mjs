// Imported before oidc-provider, which says that it needs Node 22: it lacks one function in Node 20, which Debian has.
// What it has to say of its configuration goes where errors go, because the first line of output is the origin.

URL.parse ??= (url, base) => (URL.canParse(url, base) ? new URL(url, base) : null);
console.info = console.error;
