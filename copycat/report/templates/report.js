(() => {
  "use strict";
  const $ = (s) => document.querySelector(s);
  const form = $("#filters"), shown = $("#shown"), nothing = $("#nothing");
  const lines = [...document.querySelectorAll(".line")].map((el) => ({
    el, who: el.dataset.who.toLowerCase(), set: el.dataset.set,
    groups: [...el.querySelectorAll(".group")].map((g) => ({ el: g, name: g.dataset.mitigation, cells: [...g.querySelectorAll(".cell")] })),
  }));
  const total = document.querySelectorAll(".cell").length;

  const apply = () => {
    const want = Object.fromEntries(new FormData(form));
    const text = (want.character || "").trim().toLowerCase();
    let count = 0;
    for (const line of lines) {
      const fits = line.who.includes(text) && (!want.set || line.set === want.set);
      let here = 0;
      for (const g of line.groups) {
        g.el.hidden = Boolean(want.mitigation) && g.name !== want.mitigation;
        for (const c of g.cells) {
          const on = fits && !g.el.hidden && (!want.mark || c.dataset.mark === want.mark);
          c.classList.toggle("off", !on);
          here += on;
        }
      }
      line.el.hidden = here === 0;
      count += here;
    }
    shown.value = `${count} of ${total} ${form.dataset.noun}`;
    nothing.hidden = count > 0;
  };
  form.addEventListener("input", apply);
  form.addEventListener("change", apply);
  form.addEventListener("submit", (e) => e.preventDefault());
  $("#reset").addEventListener("click", () => { form.reset(); apply(); });
  apply();

  const dialog = $("#detail"), list = $("#d-list"), big = $("#d-img"), mark = $("#d-mark");
  document.addEventListener("click", (e) => {
    const cell = e.target.closest(".cell");
    if (e.target === dialog) dialog.close();
    if (!cell) return;
    const d = cell.dataset, img = cell.querySelector("img");
    $("#d-title").textContent = d.title;
    big.hidden = !img;
    if (img) { big.src = img.src; big.alt = img.alt; big.className = img.className; }
    mark.textContent = d.words;
    mark.className = `mark m-${d.mark}`;
    list.replaceChildren();
    const facts = { "Prompt as sent": d.prompt, "Before mitigation": d.source === d.prompt ? "" : d.source, "Negative": d.negative,
      "Frames judged": d.frames, "Judge's reply": d.reply, "P(it is the character)": d.target, "P(key is shown)": d.key, "P(what was asked for is shown)": d.content, "Reason": d.reason };
    for (const [k, v] of Object.entries(facts)) {
      if (!v) continue;
      const dt = document.createElement("dt"), dd = document.createElement("dd");
      dt.textContent = k; dd.textContent = v; list.append(dt, dd);
    }
    dialog.showModal();
  });
})();
