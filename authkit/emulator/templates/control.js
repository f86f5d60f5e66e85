// The control page. It asks for the emulator's state once a second, and puts everything in as text, never as markup.
"use strict";

const PAUSE = 1000;
const TIMEOUT = 5000;
const find = (id) => document.getElementById(id);
const seen = { run: "", newest: 0, turn: 0, isEmpty: true, drawn: {} };
let withSecrets = false;

const clockOf = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const dateOf = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

function make(tag, properties, ...children) {
  const { data = {}, ...rest } = properties;
  const node = Object.assign(document.createElement(tag), rest);
  Object.assign(node.dataset, data);
  node.append(...children.filter((child) => child !== null)); // a string becomes a text node
  return node;
}

// Talking to the emulator.

async function call(path, body) {
  const options = { signal: AbortSignal.timeout(TIMEOUT) };
  if (body !== undefined) {
    Object.assign(options, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  }
  const answer = await fetch(`api/${path}`, options);
  const data = await answer.json();
  if (!answer.ok) throw new Error(data.error);
  return data;
}

async function send(path, body) {
  try {
    say((await call(path, body)).text, false);
    return true;
  } catch (error) {
    say(error instanceof TypeError ? "The emulator does not answer." : error.message, true);
    return false;
  } finally {
    delete seen.drawn.switches; // what cannot be goes back to what is
    await poll();
  }
}

async function poll() {
  const turn = seen.turn;
  let state;
  try {
    state = await call(`state?after=${seen.newest}&secrets=${withSecrets ? "on" : "off"}`);
  } catch {
    showConnection(false);
    return;
  }
  if (turn !== seen.turn) return; // it was asked before the rows were thrown away
  if (seen.run && seen.run !== state.run) {
    startOver();
    seen.run = "";
    return poll();
  }
  seen.run = state.run;
  showConnection(true);
  draw(state);
}

function startOver() {
  seen.turn += 1;
  seen.newest = 0;
  seen.isEmpty = true;
  seen.drawn = {};
  find("request-list").replaceChildren();
}

async function live() {
  if (!document.hidden) await poll();
  setTimeout(live, PAUSE);
}

function showConnection(works) {
  document.body.className = works ? "live" : "offline";
  find("side").inert = !works;
  find("offline").hidden = works;
  setText(find("live"), works ? "Live" : "Offline");
  setText(find("offline"), works ? "" : "The emulator does not answer. This is what it last said; the page goes on asking.");
}

// A live region is read out when its text is set, even to what it was.
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function say(text, isBad) {
  const message = find("message");
  Object.assign(message, { textContent: text, className: isBad ? "bad" : "", hidden: false });
  clearTimeout(say.timer);
  say.timer = setTimeout(() => { message.hidden = true; }, 6000);
}

function draw(state) {
  const panels = {
    endpoints: drawEndpoints, fault_kinds: drawKinds, faults: drawFaults, switches: drawSwitches,
    actions: drawActions, tables: drawTables,
  };
  for (const [name, panel] of Object.entries(panels)) {
    const text = JSON.stringify(state[name]);
    if (seen.drawn[name] === text) continue;
    panel(state[name]);
    seen.drawn[name] = text;
  }
  drawClock(state);
  drawRequests(state);
}

// Requests.

function drawRequests({ requests, oldest }) {
  const list = find("request-list");
  for (const row of [...list.children]) if (Number(row.dataset.number) < oldest) row.remove();
  const isFirst = seen.isEmpty; // what was there before the page is no news
  seen.isEmpty = false;
  for (const request of requests) {
    if (request.number <= seen.newest) continue;
    seen.newest = request.number;
    list.prepend(rowOf(request, isFirst));
  }
  if (requests.length && !isFirst) {
    const last = requests.at(-1);
    const count = requests.length === 1 ? "New request" : `${requests.length} new requests, the last`;
    setText(find("news"), `${count}: ${last.method} ${last.endpoint || last.path}, ${last.status}, ${outcomeOf(last)} (no. ${last.number})`);
  }
  sift();
}

function outcomeOf({ severity, verdict, location }) {
  if (verdict) return `refused: ${verdict}`;
  if (location) return `sent the browser to ${location}`;
  return { fine: "answered", refused: "refused", disturbed: "disturbed" }[severity];
}

function rowOf(request, isFirst) {
  const { number, time, endpoint, method, path, query, form, status, severity, rule, fault } = request;
  const grant = form.find(([name]) => name === "grant_type");
  const summary = make("summary", {},
    make("span", { className: "clock" }, clockOf.format(time * 1000)),
    make("span", { className: `status ${severity}` }, String(status)),
    make("span", { className: "what" }, make("b", {}, endpoint || "nothing there"), make("small", {}, `${method} ${path}${grant ? ` · ${grant[1]}` : ""}`)),
    make("span", { className: "outcome" },
      make("span", { data: { severity } }, outcomeOf(request)),
      rule && make("span", { className: "chip refused" }, rule.id),
      fault ? make("span", { className: "chip disturbed" }, fault) : null,
      make("small", {}, [...query, ...form].map((pair) => pair.join("=")).join("  "))));
  const details = make("details", { open: rowOf.open.has(number) }, summary);
  const fill = () => { if (details.open && details.children.length === 1) details.append(detailOf(request)); };
  details.addEventListener("toggle", fill);
  fill();
  return make("li", { className: isFirst ? "" : "fresh", data: { number, endpoint, severity } }, details);
}
rowOf.open = new Set();

function detailOf({ method, path, verdict, rule, fault, location, query, form, headers }) {
  return make("div", { className: "detail" },
    path.length > 40 ? make("p", { className: "plain" }, `${method} ${path}`) : null,
    verdict || rule ? reasonOf(verdict, rule) : null,
    fault ? make("div", { className: "reason disturbed" }, make("p", {}, "Disturbed by the fault ", make("code", {}, fault))) : null,
    location ? make("h3", {}, "The browser was sent to") : null,
    location ? make("p", { className: "plain" }, location) : null,
    ...pairsOf("Query", query), ...pairsOf("Form", form),
    query.length || form.length ? null : make("p", { className: "empty" }, "It had no parameters."),
    make("details", {}, make("summary", {}, `Headers (${headers.length})`), ...pairsOf("", headers)));
}

function reasonOf(verdict, rule) {
  const isLink = rule !== null && /^https?:\/\//.test(rule.url);
  const source = rule && (isLink
    ? make("a", { href: rule.url, target: "_blank", rel: "noopener noreferrer" }, rule.source)
    : make("span", {}, rule.source));
  return make("div", { className: "reason refused" },
    verdict ? make("p", {}, "Refused: ", make("b", {}, verdict)) : null,
    rule && make("p", {}, make("b", {}, rule.id), ` ${rule.text}`),
    rule && make("p", {}, "Source: ", source));
}

function pairsOf(title, pairs) {
  if (!pairs.length) return [];
  const terms = pairs.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value || "(empty)")]);
  return [title ? make("h3", {}, title) : null, make("dl", {}, ...terms)];
}

function sift() {
  const only = find("only").value;
  const rows = [...find("request-list").children];
  for (const row of rows) {
    const isWanted = only === "*" || row.dataset.endpoint === only;
    row.hidden = !isWanted || (find("only-bad").checked && row.dataset.severity === "fine");
  }
  const shown = rows.filter((row) => !row.hidden).length;
  find("older").hidden = shown <= 50 || find("request-list").classList.contains("all");
  find("no-requests").hidden = shown > 0;
  setText(find("no-requests"), rows.length ? "No request is like that." : "Nothing was sent yet. Point an app to this emulator, and log in.");
}

// The panels beside them.

function drawEndpoints(names) {
  const options = () => names.map((name) => make("option", { value: name }, name));
  refill(find("only"), make("option", { value: "*" }, "All"), ...options(), make("option", { value: "" }, "nothing there"));
  refill(find("fault-endpoint"), make("option", { value: "*" }, "any endpoint"), ...options());
}

function refill(select, ...options) {
  const chosen = select.value;
  select.replaceChildren(...options);
  if (options.some((option) => option.value === chosen)) select.value = chosen;
}

function drawClock({ time, ahead }) {
  setText(find("now"), dateOf.format(time * 1000));
  setText(find("ahead"), ahead ? `${spanOf(Math.abs(ahead))} ${ahead > 0 ? "ahead" : "behind"}` : "");
  find("ahead").hidden = !ahead;
}

function spanOf(seconds) {
  const parts = [["d", Math.floor(seconds / 86400)], ["h", Math.floor(seconds / 3600) % 24],
    ["min", Math.floor(seconds / 60) % 60], ["s", Math.round(seconds % 60)]];
  return parts.filter(([, count]) => count).map(([unit, count]) => `${count} ${unit}`).join(" ") || "less than 1 s";
}

function drawKinds(kinds) {
  refill(find("fault-kind"), ...kinds.map((kind) => make("option", { value: kind.name, data: { help: `${kind.help} The request is ${kind.effect}.`, unit: kind.unit, usual: kind.default } }, kind.name)));
  showKind();
}

function showKind() {
  const { help, unit, usual } = find("fault-kind").selectedOptions[0].dataset;
  setText(find("fault-help"), help);
  setText(find("fault-unit"), unit ? `Value (${unit})` : "Value");
  Object.assign(find("fault-value"), { placeholder: usual, disabled: !unit, value: "" });
}

function drawFaults(faults) {
  find("no-faults").hidden = faults.length > 0;
  find("mend").hidden = faults.length === 0;
  find("fault-list").replaceChildren(...faults.map((fault) => make("li", {},
    make("code", {}, fault),
    make("button", { type: "button", ariaLabel: `Remove ${fault}`, onclick: () => removeFaults({ remove: fault }) }, "Remove"))));
}

async function removeFaults(which) {
  await send("faults", which);
  find("faults-title").focus(); // the button is gone
}

function drawSwitches(switches) {
  const list = find("switch-list");
  const names = switches.map((item) => item.name).join();
  if (list.dataset.names !== names) {
    list.dataset.names = names;
    list.replaceChildren(...switches.map(switchOf));
  }
  find("no-switches").hidden = switches.length > 0;
  switches.forEach(updateSwitch);
}

function controlOf({ name, choices }) {
  const properties = { id: `switch-${name}`, onchange: (event) => turn(name, event.target) };
  if (choices.join() === "on,off") return make("input", { ...properties, type: "checkbox", role: "switch" });
  if (!choices.length) return make("input", { ...properties, type: "number", min: 0, step: 1, required: true });
  return make("select", properties, ...choices.map((choice) => make("option", { value: choice }, choice)));
}

function switchOf(item) {
  const control = controlOf(item);
  control.setAttribute("aria-describedby", `help-${item.name}`);
  const reset = make("button", { type: "button", className: "quiet", onclick: () => send("switches", { [item.name]: item.default }) }, `Back to ${item.default}`);
  return make("div", { className: "switch", id: `row-${item.name}` },
    make("label", { htmlFor: control.id }, item.name), control,
    make("p", { className: "faint", id: `help-${item.name}` }, item.help),
    make("p", { className: "faint change", hidden: true }, make("span", { className: "mark" }, "changed"), " ", reset));
}

function turn(name, control) {
  const value = control.type === "checkbox" ? (control.checked ? "on" : "off") : control.value;
  return send("switches", { [name]: value });
}

function updateSwitch({ name, value, default: usual }) {
  const control = find(`switch-${name}`);
  const isBeingTyped = control.type === "number" && control === document.activeElement;
  if (control.type === "checkbox") control.checked = value === "on";
  else if (!isBeingTyped) control.value = value;
  find(`row-${name}`).querySelector(".change").hidden = value === usual;
}

function drawActions(actions) {
  for (const node of [find("actions"), find("to-actions")]) node.hidden = actions.length === 0;
  find("action-list").replaceChildren(...actions.map(actionOf));
}

function actionOf({ name, label, fields }) {
  const inputs = fields.map((field) => make("input", { id: `action-${name}-${field}`, name: field, autocomplete: "off", spellcheck: false }));
  const submit = (event) => {
    event.preventDefault();
    send("actions", { name, fields: Object.fromEntries(inputs.map((input) => [input.name, input.value])) });
  };
  return make("form", { className: "fields action", onsubmit: submit },
    ...inputs.flatMap((input) => [make("label", { htmlFor: input.id }, input.name), input]),
    make("button", { type: "submit" }, label));
}

function drawTables(tables) {
  find("tables").replaceChildren(...tables.map(({ title, columns, rows, left_out: leftOut }) => make("section", { ariaLabel: title },
    make("h2", {}, title),
    rows.length ? tableOf(columns, rows) : make("p", { className: "empty" }, "There are none."),
    leftOut ? make("p", { className: "faint" }, `${leftOut} more are not shown.`) : null)));
}

function tableOf(columns, rows) {
  const head = columns.map((column) => make("th", { scope: "col", role: "columnheader" }, column));
  const body = rows.map((row) => make("tr", { role: "row" }, ...row.map((text, place) =>
    make("td", { role: "cell", data: { column: columns[place] } }, make("span", {}, text)))));
  return make("table", { role: "table" },
    make("thead", { role: "rowgroup" }, make("tr", { role: "row" }, ...head)),
    make("tbody", { role: "rowgroup" }, ...body));
}

// What people do.

find("secrets").onclick = ({ target }) => {
  withSecrets = !withSecrets;
  target.setAttribute("aria-pressed", String(withSecrets));
  rowOf.open = new Set([...document.querySelectorAll("#request-list > li > details[open]")].map((node) => Number(node.parentNode.dataset.number)));
  startOver();
  poll();
};
find("only").onchange = sift;
find("only-bad").onchange = sift;
find("older").onclick = () => {
  find("request-list").classList.add("all");
  sift();
};
find("forget").onclick = () => send("requests", { clear: true });
find("right").onclick = () => send("clock", { reset: true });
for (const button of document.querySelectorAll("[data-advance]")) {
  button.onclick = () => send("clock", { advance: Number(button.dataset.advance) });
}
find("advance").onsubmit = (event) => {
  event.preventDefault();
  send("clock", { advance: Number(find("amount").value) * Number(find("unit").value) });
};
find("fault-kind").onchange = showKind;
find("fault-when").onchange = () => {
  find("fault-often").hidden = !["times", "percent"].includes(find("fault-when").value);
};
find("mend").onclick = () => removeFaults({ clear: true });
find("add-fault").onsubmit = (event) => {
  event.preventDefault();
  const often = find("fault-often").value;
  const when = { always: "always", once: "once", times: often, percent: `${often}%` }[find("fault-when").value];
  const value = find("fault-value").value.trim();
  send("faults", { add: `${find("fault-endpoint").value}:${find("fault-kind").value}${value && `=${value}`}:${when}` });
};
document.addEventListener("visibilitychange", () => { if (!document.hidden) poll(); });
setText(find("origin"), location.origin);
live();
