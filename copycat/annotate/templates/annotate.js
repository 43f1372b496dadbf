(() => {
  "use strict";
  const $ = (s) => document.querySelector(s);
  const make = (tag, text, cls) => { const e = document.createElement(tag); if (text !== undefined) e.textContent = text; if (cls) e.className = cls; return e; };
  const rater = $("#rater").dataset.rater;
  const SURE = { 1: "a guess", 2: "fairly sure", 3: "sure" };
  const SPECIAL = ["none", "look-alike"];
  const NOBODY = { slug: "none", name: "Nobody I know", also: ["none", "nobody"], references: [] };
  const SMALL = 128; // Pictures with fewer pixels are enlarged with hard pixels,
  const AT_MOST = 14; // and by no more than this, or one sees the pixels and not the picture.

  let people = [];       // All characters one can see.
  let now = null;        // What the server told last.
  let step = "";         // is, who or sure.
  let draft = {};        // The answer in the making.
  let ready = false;     // Whether the picture is on the screen: no key answers about one unseen.
  let broken = false;
  let busy = false;
  let retry = null;
  let rest = false;      // Whether the skipped ones are gone through.
  let turn = 0;

  // ---- talking to the server

  const call = async (path, body) => {
    const reply = await fetch(path, body === undefined ? {} : {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ rater, ...body }),
    });
    const told = await reply.json().catch(() => ({}));
    if (!reply.ok) throw new Error(told.error || `The server says ${reply.status}.`);
    return told;
  };

  const ask = async (path, body, then) => {
    if (busy) return;
    busy = true;
    document.body.classList.add("busy");
    try {
      const told = await call(path, body);
      retry = null;
      $("#alert").hidden = true;
      busy = false;
      then(told);
    } catch (e) {
      busy = false;
      const gone = e instanceof TypeError;
      const what = gone ? "The server does not answer. Start copycat annotate again and open the address it prints; what it acknowledged is on disk." : e.message;
      $("#alert p").textContent = body && body.answer ? `Not saved. ${what}` : what;
      $("#alert").hidden = false;
      retry = () => ask(path, body, then);
      $("#again").focus();
    } finally {
      document.body.classList.remove("busy");
    }
  };

  const query = (extra) => `?${new URLSearchParams({ rater, ...extra })}`;
  const go = (number) => ask(`api/item${query(number === undefined ? {} : { number })}`, undefined, show);

  // ---- showing a question

  const show = (told) => {
    now = told;
    $("#progress").max = told.total;
    $("#progress").value = told.answered;
    $("#count").textContent = `${told.answered} of ${told.total}`;
    if (!told.item && rest && told.skipped.length) {
      const before = told.skipped.find((n) => n > rest.at);
      if (before !== undefined) { rest = { at: before }; go(before); return; }
      rest = false;
    }
    $("#desk").hidden = !told.item;
    $("#end").hidden = Boolean(told.item);
    if (told.item) question(told.item); else end(told);
    for (const src of told.ahead) new Image().src = src;
  };

  const question = (item) => {
    const c = item.character;
    $("#target").textContent = c.name;
    for (const s of ["#asked", "#denied"]) $(s).textContent = c.name;
    $("#about").textContent = [c.also.length ? `also ${c.also.join(", ")}` : "", c.owner].filter(Boolean).join(" · ");
    $("#references").replaceChildren(...c.references.map((src, i) => picture(src, `Reference picture ${i + 1} of ${c.name}`)));
    $("#noref").hidden = c.references.length > 0;
    const mine = item.mine;
    $("#mine").hidden = !mine;
    if (mine) $("#mine").textContent = `Your answer so far: ${words(mine)}.`;
    for (const b of document.querySelectorAll("[data-answer]")) b.setAttribute("aria-pressed", String(Boolean(mine) && mine.answer === b.dataset.answer));
    ready = broken = false;
    $("#broken").hidden = true;
    const mineTurn = ++turn;
    const shown = item.frames.map((src, i) => picture(src, item.frames.length > 1 ? `Frame ${i + 1} of ${item.frames.length} of video ${item.number + 1}` : `Picture ${item.number + 1}`));
    $("#frames").className = shown.length > 1 ? "strip" : "";
    $("#frames").replaceChildren(...shown);
    Promise.all(shown.map((img) => img.decode())).then(
      () => { if (mineTurn === turn) { ready = true; document.body.dataset.shown = item.id; } },
      () => { if (mineTurn === turn) { broken = true; $("#broken").hidden = false; document.body.dataset.shown = item.id; } },
    );
    draft = { id: item.id };
    to("is");
  };

  const picture = (src, alt) => {
    const img = new Image();
    img.addEventListener("load", () => {
      if (img.naturalHeight >= SMALL) return;
      img.classList.add("px");
      img.style.maxWidth = `${AT_MOST * img.naturalWidth}px`;
      img.style.maxHeight = `${AT_MOST * img.naturalHeight}px`;
    });
    img.alt = alt;
    img.src = src;
    return img;
  };

  const nameOf = (slug) => slug === "none" ? "nobody known" : slug === "look-alike" ? "a look-alike" : (people.find((p) => p.slug === slug) || { name: slug }).name;
  const words = (a) => {
    if (a.answer === "skip") return "skipped";
    const saw = a.answer === "no" && a.saw ? `, ${nameOf(a.saw)}` : "";
    return `${a.answer}${saw}${a.confidence ? `, ${SURE[a.confidence]}` : ""}`;
  };

  const to = (name) => {
    step = name;
    for (const s of ["is", "who", "sure"]) $(`#step-${s}`).hidden = s !== name;
    $("#esc").hidden = name === "is";
    if (name === "who") {
      $("#saw").value = "";
      choices();
      $("#saw").focus();
    } else {
      if (name === "sure") $("#so").textContent = draft.answer === "yes" ? `It is ${now.item.character.name}.` : `You see ${nameOf(draft.saw)}.`;
      $(`#step-${name}`).focus({ preventScroll: true });
    }
  };

  const end = (told) => {
    const left = told.skipped.length;
    $("#end h1").textContent = left ? "Only the skipped ones are left" : "All done";
    $("#sum").textContent = `You answered ${told.answered} of ${told.total} questions${left ? ` and skipped ${left}` : ""}.`;
    $("#rest").hidden = !left;
    $("#rest").textContent = left === 1 ? "Look at the one you skipped" : `Look at the ${left} you skipped`;
    document.body.dataset.shown = "end";
    (left ? $("#rest") : $("#end h1")).focus();
  };

  // ---- answering

  const say = (answer) => {
    if (!ready && !(broken && answer === "skip")) return;
    draft = { id: now.item.id, answer };
    if (answer === "no") to("who"); else if (answer === "yes") to("sure"); else send();
  };
  const send = () => {
    const said = words(draft);
    const at = now.item.number;
    if (rest) rest = { at };
    ask("api/answer", draft, (told) => { $("#said").textContent = `Saved: ${said}. ${told.answered} of ${told.total}.`; show(told); });
  };
  const sure = (n) => { draft.confidence = n; send(); };
  const undo = () => ask("api/undo", {}, (told) => { rest = false; $("#said").textContent = "Your last answer is taken back."; show(told); });
  const back = () => {
    rest = false;
    if (!now) return;
    if (!now.item) return go(now.total - 1);
    if (now.item.number > 0) go(now.item.number - 1);
  };
  const forward = () => { rest = false; if (now && now.item) (now.item.number + 1 < now.total ? go(now.item.number + 1) : go()); };
  const escape = () => { if (step === "sure" && draft.answer === "no") { delete draft.confidence; to("who"); } else if (step !== "is") { draft = { id: now.item.id }; to("is"); } };

  // ---- whom one sees: a combobox with a list

  let listed = [], at = 0;
  const plain = (s) => s.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const rank = (p, text) => {
    const names = [p.name, ...p.also].map(plain);
    if (names.some((n) => n.startsWith(text))) return 0;
    if (names.some((n) => n.split(/\s+/).some((w) => w.startsWith(text)))) return 1;
    return !SPECIAL.includes(p.slug) && names.some((n) => n.includes(text)) ? 2 : 3;
  };
  const choices = () => {
    const text = plain($("#saw").value.trim()), c = now.item.character;
    const like = { slug: "look-alike", name: `A look-alike of ${c.name}`, also: ["look-alike"], references: [] };
    const all = [NOBODY, like, ...people.filter((p) => p.slug !== c.slug)];
    listed = text ? all.map((p) => [rank(p, text), p]).filter(([r]) => r < 3).sort((a, b) => a[0] - b[0]).map(([, p]) => p) : all;
    $("#people").replaceChildren(...listed.map((p, i) => {
      const li = make("li");
      li.id = `person-${i}`;
      li.setAttribute("role", "option");
      li.dataset.slug = p.slug;
      if (p.references.length) { const img = picture(p.references[0], ""); img.loading = "lazy"; li.append(img); } else li.append(make("span", "", "blank"));
      const text = make("span", p.name);
      const other = p.also.filter((n) => n !== p.name);
      if (other.length && !SPECIAL.includes(p.slug)) text.append(" ", make("small", other.join(", ")));
      li.append(text);
      return li;
    }));
    $("#none").hidden = listed.length > 0;
    mark(0);
  };
  const mark = (i) => {
    at = Math.max(0, Math.min(i, listed.length - 1));
    $("#people").querySelectorAll("li").forEach((li, n) => li.setAttribute("aria-selected", String(n === at)));
    const li = $(`#person-${at}`);
    if (li) { $("#saw").setAttribute("aria-activedescendant", li.id); li.scrollIntoView({ block: "nearest" }); } else $("#saw").removeAttribute("aria-activedescendant");
  };
  const pick = () => { if (listed[at]) { draft.saw = listed[at].slug; to("sure"); } };

  $("#saw").addEventListener("input", choices);
  $("#saw").addEventListener("keydown", (e) => {
    const keys = { ArrowDown: () => mark(at + 1), ArrowUp: () => mark(at - 1), PageDown: () => mark(at + 6), PageUp: () => mark(at - 6), Enter: pick };
    if (e.isComposing || !keys[e.key]) return;
    e.preventDefault();
    e.stopPropagation();
    keys[e.key]();
  });
  $("#people").addEventListener("click", (e) => {
    const li = e.target.closest("li");
    if (li) { at = listed.findIndex((p) => p.slug === li.dataset.slug); pick(); }
  });

  // ---- agreement

  const percent = (x) => `${(100 * x).toFixed(0)} %`;
  const kappa = (x) => x === null ? "undefined" : x.toFixed(2).replace("-", "−");
  const agreement = () => ask(`api/agreement${query({})}`, undefined, (told) => {
    const box = $("#figures");
    box.replaceChildren();
    if (!told.ready) {
      box.append(make("p", `It is shown from your ${told.needed}th label on, so that it cannot guide the first ones; you have given ${told.mine}.`));
    } else if (!told.pictures) {
      box.append(make("p", `No ${told.step} pictures have yet been labelled yes or no by two raters.`));
    } else {
      const dl = make("dl", undefined, "figures");
      const add = (k, v, note) => { const d = make("div"); d.append(make("dt", k), make("dd", v), make("p", note)); dl.append(d); };
      add("Same answer", percent(told.agree), `on ${told.pictures} pictures labelled by two raters or more`);
      add(told.statistic, kappa(told.value), `${told.low === null ? "" : `95 % interval ${kappa(told.low)} to ${kappa(told.high)}; `}1 is perfect, 0 is chance`);
      box.append(dl);
      if (told.pairs.length > 1) {
        const table = make("table"), head = make("tr");
        for (const t of ["Raters", "Pictures", "Same", "Cohen's κ"]) { const th = make("th", t); th.scope = "col"; head.append(th); }
        table.append(head);
        for (const p of told.pairs) {
          const tr = make("tr"), th = make("th", p.raters.join(" and "));
          th.scope = "row";
          tr.append(th, make("td", p.pictures), make("td", percent(p.agree)), make("td", kappa(p.kappa)));
          table.append(tr);
        }
        box.append(table);
      }
      if (told.value === null) box.append(make("p", "It is undefined where all raters always give the same answer.", "soft"));
      box.append(make("p", `Until you are done it moves in steps of ${told.step} pictures, so that it does not tell what others said about one.`, "soft"));
    }
    $("#agreement").showModal();
  });

  // ---- keys and buttons

  const on = (id, f) => $(id).addEventListener("click", f);
  on("#back", back); on("#forward", forward); on("#undo", undo); on("#agree", agreement); on("#end-agree", agreement);
  on("#help", () => $("#keys").showModal());
  on("#again", () => retry && retry());
  on("#rest", () => { rest = { at: now.skipped[0] }; go(now.skipped[0]); });
  for (const b of document.querySelectorAll("[data-answer]")) b.addEventListener("click", () => say(b.dataset.answer));
  for (const b of document.querySelectorAll("[data-sure]")) b.addEventListener("click", () => sure(Number(b.dataset.sure)));

  const KEYS = {
    is: { y: () => say("yes"), n: () => say("no"), u: () => say("unsure"), s: () => say("skip") },
    who: {},
    sure: { 1: () => sure(1), 2: () => sure(2), 3: () => sure(3) },
    always: { arrowleft: back, arrowright: forward, z: undo, a: agreement, "?": () => $("#keys").showModal(), escape },
  };
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.repeat || e.isComposing || document.querySelector("dialog[open]")) return;
    const key = e.key.toLowerCase();
    const typing = e.target === $("#saw");
    const f = typing ? { escape }[key] : (now && now.item && KEYS[step][key]) || KEYS.always[key];
    if (!f || busy || (retry && key !== "escape")) return;
    e.preventDefault();
    f();
  });

  ask("api/characters", undefined, (told) => { people = told.characters; go(); });
})();
