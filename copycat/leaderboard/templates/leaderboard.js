(() => {
  "use strict";
  const $$ = (s, root = document) => [...root.querySelectorAll(s)];
  const form = document.querySelector("#filters");
  if (!form) return;
  const shown = document.querySelector("#shown"), nothing = document.querySelector("#nothing");
  const rows = $$("tbody").map((el) => ({ el, text: el.rows[0].textContent.toLowerCase() }));

  const apply = () => {
    const { text, older, ...wanted } = Object.fromEntries(new FormData(form));
    const terms = text.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0, total = 0;
    for (const row of rows) {
      const offered = Boolean(older) || !("older" in row.el.dataset);
      total += Number(offered);
      const fits = offered && Object.entries(wanted).every(([k, v]) => !v || row.el.dataset[k] === v) && terms.every((t) => row.text.includes(t));
      row.el.hidden = !fits;
      count += fits;
    }
    for (const board of $$(".board, .set")) board.hidden = !board.querySelector("tbody:not([hidden])");
    shown.value = `${count} of ${total} results`;
    nothing.hidden = count > 0;
  };
  form.addEventListener("input", apply);
  form.addEventListener("change", (e) => { if (e.target !== form.elements.text) apply(); });
  form.addEventListener("submit", (e) => e.preventDefault());
  document.querySelector("#reset").addEventListener("click", () => { form.reset(); apply(); form.elements.text.focus(); });

  // Within its own table only: another judge's numbers are another measure.
  const words = new Intl.Collator("en", { numeric: true });
  const sort = (table, key, up) => {
    const value = (el) => el.dataset[key];
    const by = table.querySelector(`th[data-sort="${key}"]`)?.dataset ?? {}, numbers = "number" in by;
    // Where many pictures were refused, a measure's number is of what was let through: not ranked with the others.
    const apart = (el) => Number("ranks" in by && "unranked" in el.dataset);
    table.append(...$$("tbody", table).sort((a, b) => {
      if (apart(a) !== apart(b)) return apart(a) - apart(b);
      // What was not measured comes last, whichever way.
      if (!value(a) || !value(b)) return Number(!value(a)) - Number(!value(b));
      const order = numbers ? Number(value(a)) - Number(value(b)) : words.compare(value(a), value(b));
      return up ? order : -order;
    }));
    for (const head of $$("th[data-sort]", table)) {
      if (head.dataset.sort === key) head.setAttribute("aria-sort", up ? "ascending" : "descending");
      else head.removeAttribute("aria-sort");
    }
  };
  $$("tbody").forEach((el, i) => { el.dataset.plan = String(i); });
  for (const head of $$("th[data-sort]")) {
    head.querySelector("button").addEventListener("click", () => {
      sort(head.closest("table"), head.dataset.sort, head.getAttribute("aria-sort") !== "ascending");
    });
  }
  // Where the screen is too narrow for heads.
  document.querySelector("#sort").addEventListener("change", (e) => {
    for (const table of $$("table")) sort(table, e.target.value || "plan", true);
  });

  for (const button of $$(".more")) {
    const about = document.getElementById(button.getAttribute("aria-controls"));
    const set = (open) => { about.hidden = !open; button.setAttribute("aria-expanded", String(open)); };
    button.addEventListener("click", () => set(about.hidden));
    set(false);
  }
  apply();
})();
