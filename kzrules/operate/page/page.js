// Reads status.json once a second and shows it. Everything is set as text, never as markup.
"use strict";

const SAMPLES = 120;
const seen = new Map(); // name -> the rates of the last two minutes
const counted = new Map(); // name -> [time, count] of the last look
const open = new Set(); // failures that somebody unfolded

const $ = (id) => document.getElementById(id);

function node(kind, text, cls) {
  const made = document.createElement(kind);
  if (text !== undefined && text !== null) made.textContent = text;
  if (cls) made.className = cls;
  return made;
}

function row(...cells) {
  const made = node("tr");
  for (const cell of cells) {
    const td = node("td");
    if (cell instanceof Node) td.append(cell);
    else if (Array.isArray(cell)) { td.textContent = cell[0]; td.className = cell[1]; }
    else td.textContent = cell ?? "";
    made.append(td);
  }
  return made;
}

function fill(id, rows, empty, columns) {
  const body = $(id).tBodies[0];
  if (!rows.length) {
    const made = node("tr"), td = node("td", empty, "soft");
    td.colSpan = columns;
    made.append(td);
    rows = [made];
  }
  body.replaceChildren(...rows);
}

const number = (value) => value.toLocaleString("en");
const rate = (value) => (value >= 100 ? number(Math.round(value)) : value.toFixed(1));

function ago(then, now) {
  if (!then) return "never";
  const s = Math.max(0, now - then);
  if (s < 90) return `${Math.round(s)} s ago`;
  if (s < 5400) return `${Math.round(s / 60)} min ago`;
  if (s < 129600) return `${Math.round(s / 3600)} h ago`;
  return `${Math.round(s / 86400)} days ago`;
}

function remember(name, value) {
  const kept = seen.get(name) || [];
  kept.push(value);
  if (kept.length > SAMPLES) kept.shift();
  seen.set(name, kept);
  return kept;
}

function perSecond(name, now, count) {
  const before = counted.get(name);
  counted.set(name, [now, count]);
  return before && now > before[0] ? Math.max(0, (count - before[1]) / (now - before[0])) : 0;
}

function spark(values) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const path = document.createElementNS(space, "path");
  const most = Math.max(1, ...values);
  const points = values.map((v, i) => `${SAMPLES - values.length + i},${22 - (20 * v) / most}`);
  svg.setAttribute("viewBox", `0 0 ${SAMPLES - 1} 24`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `at most ${rate(most)} a second`);
  path.setAttribute("d", `M${points.join("L")}`);
  svg.append(path);
  return svg;
}

function named(text) {
  return node("span", text, "name");
}

function head(s) {
  const badge = $("ready");
  badge.textContent = s.draining ? "draining" : s.ready ? "ready" : "not ready";
  badge.className = `badge ${s.ready ? "good" : "bad"}`;
  document.title = `${s.ready ? "" : "! "}kzrules ${s.process.node}`;
  $("about").textContent =
    `${s.process.version} as ${s.process.node}, started ${ago(s.process.started, s.at)}; ` +
    `rules of generation ${s.rules.generation}, ${ago(s.rules.since, s.at)}`;
  const reasons = [...s.unready];
  if (s.rules.refused) reasons.push(`the last reload was refused: ${s.rules.refused.why}`);
  $("reasons").replaceChildren(...reasons.map((one) => node("li", one)));
}

function figures(s) {
  const total = s.totals;
  const shown = [
    ["events/s", rate(s.subscriptions.reduce((sum, one) => sum + one.rate, 0))],
    ["received", number(total.received)],
    ["acknowledged", number(total.acknowledged)],
    ["rejected", number(total.rejected), total.rejected && "warn"],
    ["in hand", number(s.subscriptions.reduce((sum, one) => sum + one.in_hand, 0))],
    ["unconfirmed", number(s.publishing.reduce((sum, one) => sum + one.unconfirmed, 0))],
    ["questions waiting", number(s.asking.waiting)],
    ["reactor late", `${Math.round(s.process.lag * 1000)} ms`, s.process.lag > 0.5 && "warn"],
  ];
  $("figures").replaceChildren(...shown.map(([name, value, cls]) => {
    const made = node("div", null, "figure");
    made.append(node("b", value, cls || ""), node("span", name, "soft"));
    return made;
  }));
}

function brokers(s) {
  fill("brokers", s.connections.map((one) => row(
    `${one.purpose}, zone ${one.zone}`,
    named(one.broker || "–"),
    one.blocked ? [`blocked: ${one.blocked}`, "bad"] : [one.state, one.broker ? "good" : "bad"],
    one.since ? ago(one.since, s.at) : "",
    [number(one.losses), "n"],
    one.trouble || "",
  )), "no connections", 6);
}

function subscriptions(s) {
  fill("subscriptions", s.subscriptions.map((one) => row(
    named(s.publishing.length > 1 ? `${one.name} (${one.zone})` : one.name),
    named(one.queue || "–"),
    !one.consuming ? [one.trouble || "not yet", "bad"] : !one.settling ? ["settles nothing", "bad"]
      : one.paused ? ["paused", "warn"] : ["consuming", "good"],
    [rate(one.rate), "n"],
    spark(remember(`s ${one.name} ${one.zone}`, one.rate)),
    [number(one.unacknowledged), "n"],
    [number(one.counters.rejected), one.counters.rejected ? "n warn" : "n"],
    ago(one.last_event, s.at),
  )), "the rules subscribe to nothing", 8);
}

function routes(s) {
  fill("routes", s.routes.map((one) => {
    const now = perSecond(one.name, s.at, one.taken);
    return row(
      named(one.name), named(one.place || "gone"), [rate(now), "n"], spark(remember(`r ${one.name}`, now)),
      [number(one.taken), "n"], [number(one.failed), one.failed ? "n bad" : "n"],
    );
  }), "the rules have no event routes", 6);
}

function failure(one, now) {
  const key = [one.subscription, one.route, one.place, one.outcome].join(" ");
  const made = node("details"), summary = node("summary");
  summary.append(
    node("span", `${ago(one.at, now)}, ${number(one.count)} × `, "soft"), node("span", `${one.outcome} `, "bad"),
    node("span", `${one.place || one.subscription}: `, "name soft"), named(one.why));
  made.append(summary);
  const names = node("ol");
  for (const name of one.names) {
    const item = node("li");
    item.append(named(name), node("span", name === one.route ? " – took it" : " – passed over", "soft"));
    names.append(item);
    if (name === one.route) break;
  }
  const facts = node("dl");
  for (const [name, value] of [
    ["rule line", one.place], ["subscription", one.subscription], ["routing key", one.routing_key],
    ["Msg-ID", one.msg_id], ["attempt", one.attempt], ["did", one.did.join("; ")],
  ]) if (value !== null && value !== "") facts.append(node("dt", name), node("dd", value, "name"));
  made.append(names, facts);
  made.open = open.has(key);
  made.addEventListener("toggle", () => (made.open ? open.add(key) : open.delete(key)));
  return made;
}

function failures(s) {
  const shown = s.latest.map((one) => failure(one, s.at));
  $("failures").replaceChildren(...(shown.length ? shown : [node("span", "none since the start", "soft")]));
}

function dead(s) {
  const known = s.subscriptions.filter((one) => one.dead_letters);
  fill("dead", known.map((one) => row(
    named(one.dead_letters), named(one.name),
    [number(one.counters.dead_lettered), one.counters.dead_lettered ? "n warn" : "n"],
    named(`kzrules dead list ${one.dead_letters}`),
  )), "no subscription has a dead-letter queue", 4);
}

function kamailios(s) {
  $("asking").hidden = !s.kamailios.length;
  fill("kamailios", s.kamailios.map((one) => row(
    named(one.name),
    one.connected ? ["connected", "good"] : ["not connected", "bad"],
    [number(one.counts.asked), "n"], [number(one.counts.answered), "n"], [number(one.questions), "n"],
    Object.entries(one.counts.refused).map(([why, count]) => `${number(count)} ${why}`).join(", "),
    [number(one.counts.late), one.counts.late ? "n warn" : "n"],
  )), "", 7);
}

async function look() {
  try {
    const answer = await fetch("status.json", { cache: "no-store" });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const s = await answer.json();
    for (const show of [head, figures, brokers, subscriptions, routes, kamailios, failures, dead]) show(s);
  } catch (error) {
    $("ready").textContent = "no answer";
    $("ready").className = "badge bad";
    $("reasons").replaceChildren(node("li", `kzrules does not answer (${error.message}); what stands here is old`));
  }
  setTimeout(look, 1000);
}

look();
