(() => {
  "use strict";
  const CELLS = 240; // buttons on one page of the sheet
  const $ = (s, root = document) => root.querySelector(s);
  const $$ = (s, root = document) => [...root.querySelectorAll(s)];
  const el = (tag, props, ...kids) => {
    const made = Object.assign(document.createElement(tag), props);
    made.append(...kids);
    return made;
  };

  const data = JSON.parse($("#data").textContent);
  const { pictures: P, texts: T, images: I, characters: C, states, words } = data;
  const total = (P.c || []).length;
  const form = $("#filters"), shown = $("#shown"), nothing = $("#nothing"), sheet = $("#lines");
  const number = new Intl.NumberFormat("en");

  // Searching: each text once, not each picture's.
  const lower = T.map((t) => t.toLowerCase());
  const who = C.map((c) => c.who.toLowerCase());
  const matcher = (text) => {
    const terms = text.toLowerCase().split(/\s+/).filter(Boolean).map((t) => ({
      texts: lower.map((x) => x.includes(t)), people: who.map((x) => x.includes(t)),
    }));
    return (i) => terms.every((t) => t.people[P.c[i]] || t.texts[P.sent[i]] || t.texts[P.source[i]]);
  };

  // What one line of the sheet holds, and how lines are put in order.
  const ARRANGE = {
    character: (i) => `${P.c[i]}|${P.s[i]}`,
    side: (i) => `${P.c[i]}|${P.s[i]}|${P.p[i]}|${P.i[i]}|${P.seed[i]}`,
  };
  const harmful = data.values.filter((_, j) => data.measures[j].lower);
  // Of all pictures that were asked for and answered: a refused one was not drawn, and shows nobody.
  const share = (items) => {
    let hits = 0, scored = 0, refused = 0, sum = 0, asked = 0;
    for (const i of items) {
      const state = states[P.k[i]];
      if (state === "detected" || state === "clear") { scored += 1; hits += state === "detected"; }
      refused += state === "refused";
      for (const values of harmful) if (values[i] !== null) { asked += 1; sum += values[i]; }
    }
    return { hits: scored ? hits / (scored + refused) : -1, harm: asked ? sum / (asked + refused * harmful.length) : -1 };
  };
  const training = (line) => C[line.c].training ?? -1;
  const SORT = {
    worst: (a, b) => b.share.hits - a.share.hits || b.share.harm - a.share.harm || training(b) - training(a),
    seen: (a, b) => training(b) - training(a) || b.share.hits - a.share.hits,
    name: (a, b) => C[a.c].name.localeCompare(C[b.c].name),
    plan: () => 0,
  };
  const within = (a, b) => P.m[a] - P.m[b] || P.seed[a] - P.seed[b] || P.p[a] - P.p[b] || P.i[a] - P.i[b];

  let want = {}, pages = [[]], page = 0, order = [];

  const select = () => {
    want = { state: "", text: "", mitigation: "", set: "", owner: "", ...Object.fromEntries(new FormData(form)) };
    const matches = matcher(want.text), key = ARRANGE[want.arrange] || ARRANGE.character;
    const lines = new Map();
    let count = 0;
    for (let i = 0; i < total; i += 1) {
      if (want.state && states[P.k[i]] !== want.state) continue;
      if (want.mitigation && data.mitigations[P.m[i]] !== want.mitigation) continue;
      if (want.set && data.sets[P.s[i]] !== want.set) continue;
      if (want.owner && C[P.c[i]].owner !== want.owner) continue;
      if (!matches(i)) continue;
      const k = key(i);
      if (!lines.has(k)) lines.set(k, { c: P.c[i], s: P.s[i], items: [] });
      lines.get(k).items.push(i);
      count += 1;
    }
    const sorted = [...lines.values()];
    for (const line of sorted) { line.items.sort(within); line.share = share(line.items); }
    sorted.sort(SORT[want.sort] || SORT.worst);
    order = sorted.flatMap((line) => line.items);
    pages = cut(sorted);
    shown.value = `${number.format(count)} of ${number.format(total)} ${form.dataset.noun}`;
    nothing.hidden = count > 0;
  };

  // Whole lines on a page; a line that is longer than a page goes over several.
  const cut = (lines) => {
    const made = [];
    let room = 0;
    for (const line of lines) {
      for (let at = 0; at < line.items.length; at += CELLS) {
        const part = { ...line, items: line.items.slice(at, at + CELLS), more: at > 0 };
        if (part.items.length > room || !made.length) { made.push([]); room = CELLS; }
        made.at(-1).push(part);
        room -= part.items.length;
      }
    }
    return made.length ? made : [[]];
  };

  const alt = (i) => `${C[P.c[i]].name}, ${data.mitigations[P.m[i]]}, ${data.sets[P.s[i]]}, seed ${P.seed[i]}: ${words[P.k[i]]}${P.withheld[i] ? "; picture withheld" : ""}`;
  const hole = (label, text) => {
    const made = el("span", { className: "hole" }, el("small", { textContent: text }));
    made.setAttribute("role", "img");
    made.setAttribute("aria-label", label);
    return made;
  };
  const image = (source, label, side, pixelated) => {
    const made = el("img", { loading: "lazy", decoding: "async", alt: label, className: pixelated ? "px" : "" });
    if (side) { made.width = side; made.height = side; }
    made.addEventListener("error", () => made.replaceWith(hole(label, "file not found")), { once: true });
    made.src = source;
    return made;
  };
  const picture = (i, column, side) => P[column][i]
    ? image(I[P[column][i]], alt(i), side, P.pixelated[i])
    : hole(alt(i), P.withheld[i] ? "withheld" : "");
  const cell = (i) => {
    const made = el("button", { type: "button", className: `cell m-${states[P.k[i]]}${P.video[i] ? " video" : ""}` },
      picture(i, "small", P.video[i] ? 0 : 112),
      el("span", { className: "mark" }, sym(), words[P.k[i]]),
      el("span", { className: "seed", textContent: `seed ${P.seed[i]}` }));
    made.dataset.i = i;
    made.dataset.state = states[P.k[i]];
    return made;
  };
  const sym = () => { const made = el("span", { className: "sym" }); made.setAttribute("aria-hidden", "true"); return made; };

  const drawLine = (line) => {
    const c = C[line.c], side = want.arrange === "side", first = line.items[0];
    const refs = el("div", { className: "refs" });
    c.references.forEach(([at, pixelated], j) => refs.append(image(I[at], `Reference picture ${j + 1} of ${c.name}`, 56, pixelated)));
    if (!c.references.length) refs.append(el("span", { className: "noref", textContent: "no reference" }));
    const facts = [c.owner];
    if (c.training !== null) facts.push(`${number.format(c.training)} training pictures`);
    if (c.key) facts.push(`key: ${c.key}`);
    if (data.sets.length > 1) facts.push(`prompts: ${data.sets[line.s]}`);
    if (side) facts.push(`seed ${P.seed[first]}${P.i[first] ? `, picture ${P.i[first] + 1}` : ""}`);
    const about = el("p");
    facts.forEach((f, j) => about.append(...(j ? [el("br"), f] : [f])));
    const groups = el("div", { className: "groups" });
    for (let j = 0; j < line.items.length;) {
      const m = P.m[line.items[j]], cells = el("div", { className: "cells" });
      while (j < line.items.length && P.m[line.items[j]] === m) { cells.append(cell(line.items[j])); j += 1; }
      const group = el("section", { className: "group" }, el("h4", { textContent: data.mitigations[m] }), cells);
      group.setAttribute("aria-label", `${c.name}, ${data.mitigations[m]}`);
      groups.append(group);
    }
    const name = el("h3", { textContent: line.more ? `${c.name} (continued)` : c.name });
    return el("article", { className: `line${side ? " side" : ""}` }, el("header", {}, refs, el("div", {}, name, about)), groups);
  };

  const draw = () => {
    page = Math.min(Math.max(page, 0), pages.length - 1);
    sheet.replaceChildren(...pages[page].map(drawLine));
    for (const nav of $$(".pager")) {
      nav.hidden = pages.length < 2;
      const input = $("input", nav);
      input.max = pages.length;
      input.value = page + 1;
      $("span", nav).textContent = `of ${number.format(pages.length)}`;
      $("[data-step='-1']", nav).disabled = page === 0;
      $("[data-step='1']", nav).disabled = page === pages.length - 1;
    }
  };
  const turn = (to) => { page = to; draw(); $("#h-sheet").scrollIntoView(); };
  const apply = () => { page = 0; select(); draw(); };

  form.addEventListener("input", apply);
  // Not of the search field, which tells of its change only when it is left.
  form.addEventListener("change", (e) => { if (e.target !== form.elements.text) apply(); });
  form.addEventListener("submit", (e) => e.preventDefault());
  $("#reset").addEventListener("click", () => { form.reset(); apply(); form.elements.text.focus(); });
  for (const nav of $$(".pager")) {
    nav.addEventListener("click", (e) => { const b = e.target.closest("[data-step]"); if (b) turn(page + Number(b.dataset.step)); });
    $("input", nav).addEventListener("change", (e) => turn((Number(e.target.value) || 1) - 1));
  }
  $("#whose-set")?.addEventListener("change", (e) => {
    for (const b of $$(".breakdown")) b.hidden = b.dataset.set !== e.target.value;
  });

  // One picture enlarged, with what is known of it, and the same noise under each mitigation.
  const dialog = $("#detail"), list = $("#d-list"), same = new Map();
  for (let i = 0; i < total; i += 1) {
    const k = ARRANGE.side(i);
    if (!same.has(k)) same.set(k, []);
    same.get(k).push(i);
  }
  let open = -1;
  const fact = (name, value) => {
    if (value === "" || value === null) return;
    list.append(el("dt", { textContent: name }), el("dd", { textContent: typeof value === "number" ? value.toFixed(3) : value }));
  };
  const show = (i) => {
    open = i;
    const c = C[P.c[i]], mark = $("#d-mark"), place = order.indexOf(i);
    $("#d-title").textContent = `${c.name} · ${data.mitigations[P.m[i]]} · ${data.sets[P.s[i]]} · seed ${P.seed[i]}`;
    $("#d-count").textContent = place < 0 ? "not among those shown" : `${number.format(place + 1)} of ${number.format(order.length)} shown`;
    $(".d-shown").replaceChildren(picture(i, "large", 0));
    $(".d-body").classList.toggle("strip", Boolean(P.video[i]));
    mark.className = `mark m-${states[P.k[i]]}`;
    mark.replaceChildren(sym(), words[P.k[i]]);
    list.replaceChildren();
    fact("Prompt as sent", T[P.sent[i]]);
    fact("Before mitigation", P.source[i] === P.sent[i] ? "" : T[P.source[i]]);
    fact("Negative", T[P.negative[i]]);
    fact("Judge's reply", T[P.reply[i]]);
    data.values.forEach((values, j) => fact(c.captions[j], values[i]));
    fact("Frames judged", T[P.frames[i]]);
    fact("Reason", T[P.reason[i]]);
    fact("Studio", c.owner);
    fact("File", T[P.file[i]]);
    const references = $("#d-references");
    references.replaceChildren();
    if (c.references.length) {
      references.append(el("h4", { textContent: `References of ${c.name}` }), el("div", { className: "d-refs" },
        ...c.references.map(([at, pixelated], j) => image(I[at], `Reference picture ${j + 1} of ${c.name}`, 96, pixelated))));
    }
    const twins = same.get(ARRANGE.side(i)).slice().sort(within), beside = $("#d-same");
    beside.replaceChildren();
    if (twins.length > 1) {
      beside.append(el("h4", { textContent: "The same prompt and seed under each mitigation" }), el("div", { className: "d-side" },
        ...twins.map((j) => {
          const made = cell(j);
          made.setAttribute("aria-current", String(i === j));
          return el("figure", {}, el("figcaption", { textContent: data.mitigations[P.m[j]] }), made);
        })));
      beside.querySelector("[aria-current=true]").scrollIntoView({ block: "nearest", inline: "nearest" });
    }
    if (!dialog.open) dialog.showModal();
  };
  const step = (by) => {
    const at = order.indexOf(open) + by;
    if (at >= 0 && at < order.length) show(order[at]);
  };
  const across = (by) => {
    const twins = same.get(ARRANGE.side(open)).slice().sort(within), at = twins.indexOf(open) + by;
    if (at >= 0 && at < twins.length) show(twins[at]);
  };
  const KEYS = { ArrowLeft: () => step(-1), ArrowRight: () => step(1), ArrowUp: () => across(-1), ArrowDown: () => across(1) };
  dialog.addEventListener("keydown", (e) => {
    if (KEYS[e.key]) { e.preventDefault(); KEYS[e.key](); }
  });
  dialog.addEventListener("click", (e) => {
    const twin = e.target.closest(".cell"), button = e.target.closest("[data-step]");
    if (e.target === dialog) dialog.close();
    else if (twin) show(Number(twin.dataset.i));
    else if (button) step(Number(button.dataset.step));
  });
  dialog.addEventListener("close", () => {
    // Back to the picture that was looked at last, on whatever page it is.
    const at = pages.findIndex((lines) => lines.some((line) => line.items.includes(open)));
    if (at >= 0 && at !== page) { page = at; draw(); }
    $(`.cell[data-i="${open}"]`, sheet)?.focus();
  });

  sheet.addEventListener("click", (e) => {
    const found = e.target.closest(".cell");
    if (found) show(Number(found.dataset.i));
  });
  sheet.addEventListener("keydown", (e) => {
    const here = e.target.closest(".cell");
    if (!here || !e.key.startsWith("Arrow")) return;
    const cells = $$(".cell", sheet), at = cells.indexOf(here), line = here.closest(".line");
    const rows = { ArrowUp: line.previousElementSibling, ArrowDown: line.nextElementSibling };
    const to = e.key in rows ? rows[e.key] && $(".cell", rows[e.key]) : cells[at + (e.key === "ArrowRight" ? 1 : -1)];
    if (to) { e.preventDefault(); to.focus(); }
  });
  document.addEventListener("keydown", (e) => {
    if (e.key !== "/" || dialog.open || e.ctrlKey || e.metaKey || e.altKey || e.target.closest("input, select, textarea")) return;
    e.preventDefault();
    form.elements.text.focus();
  });

  apply();
  performance.mark("copycat-ready");
})();
