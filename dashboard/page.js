// The page: reads the same endpoints as everyone, listens to the stream, and shows text only as text.

import { decisions, listenForToken, vetoing } from "./decide.js";

const TIMELINE_LINES = 200;
const PAST_INCIDENTS = 15;
const PLANNED = new Set(["scheduled", "for_people", "proposed", "running", "applied"]);
const ENDED = new Set(["closed", "withdrawn"]);
const TONES = {
  healthy: "good", closed: "good", verified: "good", starting: "busy", recovering: "busy", verifying: "busy",
  open: "busy", started: "busy", applied: "busy", waiting_approval: "busy", unhealthy: "bad", down: "bad",
  escalated: "bad", failed: "bad",
};
const EVENT_TONES = {
  IncidentClosed: "good", FixVerified: "good", FileRepaired: "good", IncidentOpened: "bad", FixFailed: "bad",
  IncidentEscalated: "bad", FixesExhausted: "bad", EventQuarantined: "bad", DamageFound: "bad", FileDamaged: "bad",
  FixStarted: "busy", CauseFound: "busy", FixChosen: "busy", FixApplied: "busy", StartRetried: "busy",
  FailurePredicted: "busy", FixRefused: "busy", MaintenanceScheduled: "busy", MaintenanceDone: "good",
};

const at = (id) => document.getElementById(id);

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children.filter((child) => child !== ""));
  return node;
}

const tag = (state, words = state) => make("span", { class: `tag ${TONES[state] ?? ""}` }, words.replaceAll("_", " "));

function duration(seconds) {
  if (seconds === null || seconds === undefined || Number.isNaN(seconds)) return "–";
  const s = Math.max(0, seconds);
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 90) return `${Math.round(s)} s`;
  if (s < 5400) return `${Math.round(s / 60)} min`;
  if (s < 172800) return `${Math.floor(s / 3600)} h ${Math.round((s % 3600) / 60)} min`;
  return `${Math.round(s / 86400)} days`;
}

const between = (from, to) => (new Date(to) - new Date(from)) / 1000;
const clock = (iso) => {
  const when = new Date(iso);
  const time = when.toLocaleTimeString([], { hour12: false });
  return when.toDateString() === new Date().toDateString() ? time : `${when.toLocaleDateString()} ${time}`;
};
const ago = (iso) => make("time", { class: "ago", datetime: iso, title: iso }, duration(between(iso, Date.now())));
const causeWords = (cause, service) =>
  cause ? cause.name.replaceAll("_", " ") + (cause.service !== service ? ` of ${cause.service}` : "") : "";
const sureness = (cause) => (cause.name === "unknown" ? "" : ` · ${percent(cause.confidence)} sure`);
const percent = (share) => (share === null || share === undefined ? "–" : `${Math.round(share * 100)} %`);

async function read(path) {
  const answer = await fetch(path, { headers: { Accept: "application/json" }, cache: "no-store" });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

// Keeps nodes whose data did not change, so that focus, selection and opened details stay as they are.
class Keyed {
  constructor(parent, key, build, emptyWords) {
    Object.assign(this, { parent, key, build, emptyWords, kept: new Map() });
  }

  show(items) {
    const now = new Map();
    for (const item of items) {
      const id = this.key(item);
      const json = JSON.stringify(item);
      const before = this.kept.get(id);
      if (before && before.json === json) {
        now.set(id, before);
        continue;
      }
      const node = this.build(item);
      if (before?.node.open) node.open = true;
      now.set(id, { json, node });
    }
    this.kept = now;
    const nodes = [...now.values()].map((entry) => entry.node);
    const wanted = nodes.length ? nodes : [make(this.parent.tagName === "UL" ? "li" : "p", { class: "empty" }, this.emptyWords)];
    const shown = [...this.parent.children];
    if (nodes.length && shown.length === wanted.length && shown.every((node, n) => node === wanted[n])) return;
    this.parent.replaceChildren(...wanted);
  }
}

function serviceRow(service) {
  const about = [];
  if (service.reason && service.health !== "healthy") about.push(service.reason);
  if (service.learnt?.length) about.push(`learnt: ${service.learnt.join("; ")}`);
  if (service.depends_on?.length) about.push(`needs ${service.depends_on.join(", ")}`);
  const line = make("span", { class: "about" });
  if (service.since) line.append("for ", ago(service.since), about.length ? " · " : "");
  line.append(about.join(" · "));
  const load = [];
  if (typeof service.cpu_percent === "number") load.push(`${service.cpu_percent.toFixed(1)} % CPU`);
  if (typeof service.rss_mib === "number") load.push(`${Math.round(service.rss_mib)} MiB`);
  return make("li", { class: "service" },
    make("span", { class: "name" }, service.name), tag(service.health), line,
    make("span", { class: "load" }, load.join(" · ")));
}

function actLine(act) {
  const took = act.seconds === null || act.outcome === "started" ? "" : `in ${duration(act.seconds)}`;
  const cause = act.cause ? ` for ${act.cause.replaceAll("_", " ")}` : "";
  return make("li", { class: "act" }, make("code", {}, act.fix), tag(act.outcome, act.undone ? `${act.outcome}, undone` : act.outcome),
    make("span", { class: "evidence" }, took + cause));
}

function facts(incident) {
  const list = make("dl", { class: "facts" });
  const row = (name, ...content) => list.append(make("dt", {}, name), make("dd", {}, ...content));
  const lines = (texts, kind) => make("ul", {}, ...texts.map((text) => make("li", { class: kind }, text)));
  row("Symptoms", lines(incident.symptoms ?? [], ""));
  if (incident.cause) {
    row("Cause", make("strong", {}, causeWords(incident.cause, "")), sureness(incident.cause),
      lines(incident.cause.evidence ?? [], "evidence"));
  }
  if (incident.rivals?.length) {
    const rivals = incident.rivals.map((rival) => `${causeWords(rival, "")}, ${percent(rival.confidence)}`);
    row("Or", make("span", { class: "evidence" }, rivals.join("; ")));
  }
  if (incident.acts?.length) row("Acts", make("ul", {}, ...incident.acts.map(actLine)));
  if (ENDED.has(incident.status) || incident.status === "escalated") {
    row("Report", make("a", { href: `/reports/${encodeURIComponent(incident.id)}` }, "timeline, charts, what was learnt"));
  }
  if (incident.message) row(ENDED.has(incident.status) ? "End" : "Now", incident.message);
  return list;
}

function openCard(incident) {
  const when = make("span", { class: "when" }, "for ", ago(incident.opened_at));
  return make("article", { class: "incident" },
    make("div", { class: "top" }, make("h3", {}, incident.service), tag(incident.status), when), decisions(incident), facts(incident));
}

function plannedCard(plan) {
  const list = make("dl", { class: "facts" });
  const row = (name, ...content) => list.append(make("dt", {}, name), make("dd", {}, ...content));
  row("Expected", `${plan.failure.replaceAll("_", " ")}, ${clock(plan.fails_at)}`);
  row("Plan", plan.fix ? make("span", {}, make("code", {}, plan.fix), ` at ${clock(plan.start_at)}`) : "a person has to prevent it");
  if (plan.disturbs?.length) row("Will feel it", plan.disturbs.join(", "));
  if (plan.reasons?.length) row("Because", make("span", { class: "evidence" }, plan.reasons.join("; ")));
  if (plan.reason) row("Waits", plan.reason);
  return make("article", { class: "incident" },
    make("div", { class: "top" }, make("h3", {}, plan.service), tag(plan.status)), vetoing(plan), list);
}

function pastCard(incident) {
  const took = incident.closed_at ? duration(between(incident.opened_at, incident.closed_at)) : "";
  return make("details", { class: "incident" },
    make("summary", {}, tag(incident.status), make("strong", {}, incident.service),
      make("span", { class: "cause" }, causeWords(incident.cause, incident.service)),
      make("span", { class: "when" }, took ? `${took} · ` : "", clock(incident.opened_at))),
    facts(incident));
}

function verdict(summary, services, open) {
  const state = summary.overall_health;
  const ailing = services.filter((s) => s.health === "unhealthy" || s.health === "down").map((s) => s.name);
  const waiting = open.filter((incident) => incident.status === "escalated" || incident.status === "waiting_approval");
  const needy = [...new Set(waiting.map((incident) => incident.service))];
  const needed = needy.length ? `${needy.join(", ")} ${needy.length === 1 ? "needs" : "need"} you` : "";
  const healing = [...new Set(open.map((incident) => incident.service))];
  const stopped = services.filter((service) => service.health === "stopped").length;
  const words = {
    healthy: stopped ? `${services.length - stopped} services are well, ${stopped} stopped` : "All services are well",
    degraded: needed || (healing.length ? `Healing ${healing.join(", ")}` : `${ailing.join(", ")} is not well`),
    critical: needed || `${ailing.length} services are not well`,
    unknown: services.length ? "Still looking" : "No services are watched",
  };
  at("overall").dataset.state = state;
  setText(at("verdict"), words[state] ?? state);
  setText(at("verdict-detail"), (waiting[0] ?? open[0])?.message ?? "");
  at("notices").replaceChildren(...(summary.notices ?? []).map((line) => make("li", {}, line)));
  document.title = `${state === "healthy" ? "" : `${words[state]} – `}Nightwarden`;
}

const setText = (node, text) => { if (node.textContent !== text) node.textContent = text; };

function figures(summary) {
  const shown = {
    "incidents healed": summary.recoveries,
    "of fixes helped": percent(summary.auto_fix_success_rate),
    "mean time to detect": duration(summary.mttd_s),
    "mean time to heal": duration(summary.mttr_s),
    "rollbacks in 7 days": summary.rollbacks_7d,
    "steps by a person": summary.manual_interventions,
  };
  at("figures").replaceChildren(
    ...Object.entries(shown).map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, String(value)))));
}

const services = new Keyed(at("services"), (s) => s.name, serviceRow, "No services are watched yet.");
const open = new Keyed(at("open"), (i) => i.id, openCard, "Nothing is open.");
const planned = new Keyed(at("planned"), (p) => p.id, plannedCard, "Nothing is planned.");
const past = new Keyed(at("past"), (i) => i.id, pastCard, "Nothing happened yet.");

async function refresh() {
  const [summary, serviceList, incidents, maintenance] = await Promise.all([
    read("/observability/summary"), read("/observability/services"), read("/observability/incidents?limit=100"),
    read("/observability/maintenance?limit=100"),
  ]);
  const opened = incidents.items.filter((incident) => !ENDED.has(incident.status));
  services.show(serviceList.items);
  open.show(opened);
  const plans = maintenance.items.filter((plan) => PLANNED.has(plan.status));
  at("planned-section").hidden = !plans.length;
  planned.show(plans);
  past.show(incidents.items.filter((incident) => ENDED.has(incident.status)).slice(0, PAST_INCIDENTS));
  figures(summary);
  verdict(summary, serviceList.items, opened);
}

let due = null;
function refreshSoon(wait = 250) {
  due ??= setTimeout(async () => {
    try {
      await refresh();
    } catch {
      setTimeout(refreshSoon, 2000);
    } finally {
      due = null;
    }
  }, wait);
}

const seen = new Set();
function happened(event, fresh) {
  if (event.id && seen.has(event.id)) return;
  seen.add(event.id);
  const text = event.type === "gap" ? "some events were missed here" : event.text;
  const tone = EVENT_TONES[event.type] ?? TONES[event.fact?.health] ?? "";
  const line = make("li", { class: `${tone} ${fresh ? "fresh" : ""}` },
    event.at ? make("time", { datetime: event.at, title: event.at }, [clock(event.at), event.service].filter(Boolean).join(" · ")) : "",
    text);
  const list = at("timeline");
  list.prepend(line);
  while (list.children.length > TIMELINE_LINES) list.lastChild.remove();
}

function link(state, words) {
  at("link").dataset.state = state;
  document.body.dataset.link = state; // what is shown is old while nobody answers
  setText(at("link"), words);
}

function listen() {
  const source = new EventSource("/observability/stream?backlog=100");
  const begun = Date.now();
  source.onopen = () => { link("live", "live"); refreshSoon(0); };
  source.onmessage = (message) => { happened(JSON.parse(message.data), Date.now() - begun > 1500); refreshSoon(); };
  source.addEventListener("gap", (message) => happened(JSON.parse(message.data), false));
  source.onerror = () => {
    if (at("link").dataset.state !== "lost") link("lost", `no connection since ${clock(new Date())}, trying again`);
    if (source.readyState === EventSource.CLOSED) { // an answer that was no stream; the browser gives up, we do not
      source.close();
      setTimeout(listen, 2000);
    }
  };
}

setInterval(() => {
  for (const node of document.querySelectorAll("time.ago")) setText(node, duration(between(node.dateTime, Date.now())));
}, 1000);
setInterval(() => { if (!document.hidden) refreshSoon(); }, 10000);
listenForToken();
refreshSoon(0);
listen();
