// Words of a person about an incident: buttons that appear once a token is entered. It is kept for this tab alone, sent as a
// bearer token, and never stands in an address.

const KEPT = "nightwarden-token";
const WORDS = { approve: "Approve", deny: "Deny", snooze: "Snooze" };
const CONFIRMS = /typing (\S+)$/; // the gate's own words: what a single person has to type

let inMemory = "";

function token() {
  try {
    return sessionStorage.getItem(KEPT) ?? "";
  } catch { // storage may be forbidden
    return inMemory;
  }
}

function keep(value) {
  inMemory = value;
  try {
    if (value) sessionStorage.setItem(KEPT, value);
    else sessionStorage.removeItem(KEPT);
  } catch { /* it stays in memory */ }
  if (value) document.getElementById("token-said").textContent = "";
  document.body.toggleAttribute("data-token", Boolean(value));
}

async function say(word, incident, typed) {
  const place = word === "veto" ? "maintenance" : "incidents";
  const answer = await fetch(`/api/${place}/${encodeURIComponent(incident)}/${word}`, {
    method: "POST",
    headers: { Authorization: `Bearer ${token()}`, "Content-Type": "application/json" },
    body: JSON.stringify(typed ? { typed } : {}),
    cache: "no-store",
  });
  const said = await answer.json().catch(() => ({}));
  if (answer.status === 401 || answer.status === 403) { // its row goes with the token: said where a new one is entered
    keep("");
    document.querySelector("details.token").open = true;
    document.getElementById("token-said").textContent = said.error?.message ?? "the token was refused";
  }
  return said.answer ?? said.error?.message ?? `no answer (${answer.status})`;
}

function button(word, label, incident, row) {
  const node = document.createElement("button");
  Object.assign(node, { type: "button", textContent: label });
  node.setAttribute("aria-label", `${label} for ${incident.service}`);
  node.addEventListener("click", async () => {
    const said = row.querySelector("output");
    const typed = row.querySelector("input");
    node.setAttribute("aria-disabled", "true"); // not `disabled`, which would take the focus away
    try {
      said.textContent = await say(word, incident.id, typed?.value ?? "");
    } catch {
      said.textContent = "nobody answered; it may still have been heard";
    }
    node.removeAttribute("aria-disabled");
    if (!typed && CONFIRMS.test(said.textContent)) row.insertBefore(confirmation(incident), said);
  });
  return node;
}

function confirmation(incident) {
  const label = document.createElement("label");
  const input = document.createElement("input");
  Object.assign(input, { type: "text", autocomplete: "off", size: 16 });
  label.append(`To confirm, type the word for ${incident.service}`, input);
  return label;
}

// The row under an incident; nothing where there is nothing to decide.
export function decisions(incident) {
  const words = incident.status === "waiting_approval" ? Object.entries(WORDS) : [];
  if (incident.acts?.some((act) => act.undo)) words.push(["undo", "Undo"]);
  return asking(incident, words);
}

// The same under a plan of maintenance, while somebody may still say no.
export function vetoing(plan) {
  return asking(plan, ["scheduled", "for_people", "proposed"].includes(plan.status) ? [["veto", "Veto"]] : []);
}

function asking(incident, words) {
  if (!words.length) return "";
  const row = document.createElement("div");
  row.className = "decide";
  const said = document.createElement("output");
  said.setAttribute("aria-live", "polite");
  row.append(...words.map(([word, label]) => button(word, label, incident, row)), said);
  return row;
}

export function listenForToken() {
  const form = document.getElementById("token-form");
  const field = document.getElementById("token");
  keep(token());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    keep(field.value.trim());
    field.value = "";
  });
  document.getElementById("token-forget").addEventListener("click", () => keep(""));
}
