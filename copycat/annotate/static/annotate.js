"use strict";

// Everything that comes from a person or a file is put in as text, never as HTML.
const $ = (id) => document.getElementById(id);
const people = JSON.parse(document.body.dataset.people);
const NOBODY = "none";
let rater = "";
let task = null;
let draft = {};
let step = "start"; // start, label, saw, sure, sending, end

async function post(path, body) {
  const reply = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ rater, ...body }),
  });
  if (!reply.ok) throw new Error(`the server answered ${reply.status}`);
  return reply.json();
}

function trouble(text) {
  $("trouble").textContent = text;
  $("trouble").hidden = !text;
}

function ask(next) {
  step = next;
  for (const part of ["label", "saw", "sure"]) $(`ask-${part}`).hidden = part !== next;
  for (const b of document.querySelectorAll("#ask-label button")) b.classList.remove("chosen");
  if (next === "saw") {
    $("saw").value = "";
    $("saw").focus();
  } else {
    $("character").focus();
  }
}

function show(told) {
  task = told;
  draft = {};
  trouble("");
  $("start").hidden = true;
  $("who").textContent = rater;
  $("count").textContent = `${told.done} of ${told.total} labelled`;
  $("bar").value = told.done;
  const over = told.at === null;
  $("work").hidden = over;
  $("end").hidden = !over;
  if (over) {
    step = "end";
    $("end").querySelector("h1").focus();
  } else {
    $("picture").src = `picture/${told.id}`;
    $("character").textContent = told.character.name;
    $("owner").textContent = told.character.owner;
    $("references").replaceChildren(...told.references.map((id, i) => {
      const image = document.createElement("img");
      image.src = `picture/${id}`;
      image.alt = `Reference ${i + 1} of ${told.character.name}`;
      return image;
    }));
    $("norefs").hidden = told.references.length > 0;
    $("before").hidden = !told.before;
    if (told.before) $("before").textContent = `You said: ${words(told.before)}. A new answer replaces it.`;
    ask("label");
  }
  agreement();
}

function words(before) {
  const said = before.label === null ? "cannot tell" : before.label ? "yes" : "no";
  const whom = people.find((p) => p.slug === before.saw);
  const sure = ["", ", a guess", ", fairly sure", ", sure"][before.confidence || 0];
  return said + (whom && !before.label ? `, ${whom.name}` : "") + sure;
}

async function agreement() {
  try {
    const a = await (await fetch("agreement")).json();
    $("agreement").textContent = a.pictures === 0
      ? "Agreement is shown once two raters have labelled the same pictures."
      : `${a.raters.length} raters, ${a.pictures} pictures labelled by two or more: the same on `
        + `${Math.round(100 * a.same)} %` + (a.alpha === null ? "" : `, Krippendorff's α ${a.alpha.toFixed(2)}`);
  } catch {
    // The next answer says when the server is gone.
  }
}

async function move(at) {
  try {
    show(await post("task", at === undefined ? {} : { at }));
  } catch (e) {
    trouble(`The next picture cannot be had (${e.message}).`);
  }
}

async function send() {
  step = "sending";
  try {
    show(await post("answer", { id: task.id, ...draft }));
  } catch (e) {
    trouble(`This answer is not kept: ${e.message}. Is copycat annotate still running? Press 1, 2, 3 or U to try again.`);
    step = draft.label === null ? "label" : "sure";
  }
}

function named(text) {
  const typed = text.trim().toLowerCase();
  if (!typed) return NOBODY;
  const exact = people.find((p) => p.name.toLowerCase() === typed);
  const begun = people.filter((p) => p.name.toLowerCase().startsWith(typed));
  return exact ? exact.slug : begun.length === 1 ? begun[0].slug : null;
}

function press(key) {
  if (step === "label" && ["y", "n", "u"].includes(key)) {
    draft = { label: key === "u" ? null : key === "y" };
    if (key === "u") return send();
    if (key === "y") draft.saw = task.character.slug;
    return ask(key === "y" ? "sure" : "saw");
  }
  if (step === "sure" && ["1", "2", "3"].includes(key)) {
    draft.confidence = Number(key);
    return send();
  }
}

document.addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || step === "start" || step === "sending") return;
  if (e.key === "Escape") return task && step !== "end" ? ask("label") : undefined;
  if (step === "saw") {
    if (e.key !== "Enter") return;
    e.preventDefault();
    const slug = named($("saw").value);
    if (slug === null) return trouble("No single character is called so; choose one of the list, or leave it empty.");
    trouble("");
    if (slug === task.character.slug) return trouble("That is the character asked about; press Esc and answer Yes.");
    draft.saw = slug;
    return ask("sure");
  }
  if (e.key === "ArrowLeft") return move(step === "end" ? task.total - 1 : Math.max(0, task.at - 1));
  if (e.key === "ArrowRight" && step !== "end") return task.at + 1 < task.total ? move(task.at + 1) : move();
  // Else the key would be typed into the field that it opens.
  if (/^[a-z0-9]$/i.test(e.key)) e.preventDefault();
  press(e.key.toLowerCase());
});

for (const button of document.querySelectorAll("button[data-key]")) {
  button.addEventListener("click", () => press(button.dataset.key));
}
$("picture").addEventListener("load", (e) => e.target.classList.toggle("large", e.target.naturalWidth > 256));
$("start").addEventListener("submit", (e) => {
  e.preventDefault();
  rater = $("name").value.trim().replace(/\s+/g, " ");
  sessionStorage.setItem("rater", rater);
  move();
});
for (const p of people) {
  const option = document.createElement("option");
  option.value = p.name;
  $("people").append(option);
}

// Other raters answer meanwhile.
setInterval(() => { if (step !== "start" && !document.hidden) agreement(); }, 4000);

rater = sessionStorage.getItem("rater") || document.body.dataset.rater;
if (rater) move();
else $("name").focus();
