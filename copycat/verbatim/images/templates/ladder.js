(() => {
  "use strict";
  const form = document.getElementById("filters"), list = document.getElementById("outputs");
  const shown = document.getElementById("shown"), cards = [...list.children];
  const words = new Intl.Collator("en", { numeric: true });
  const plan = new Map(cards.map((card, i) => [card, i]));
  const near = (a, b) => Number(b.dataset.order) - Number(a.dataset.order) || plan.get(a) - plan.get(b);
  const by = {
    near,
    character: (a, b) => words.compare(a.dataset.character, b.dataset.character) || near(a, b),
    plan: (a, b) => words.compare(a.dataset.mitigation, b.dataset.mitigation) || by.character(a, b),
  };
  const update = () => {
    const asked = new FormData(form), rungs = new Set(asked.getAll("rung"));
    const text = (asked.get("text") || "").trim().toLowerCase();
    let count = 0;
    for (const card of cards) {
      const d = card.dataset;
      const fits = rungs.has(d.rung) && ["mitigation", "set", "kind"].every((k) => !asked.get(k) || asked.get(k) === d[k]);
      card.hidden = !(fits && (!text || d.text.includes(text)));
      count += !card.hidden;
    }
    list.append(...[...cards].sort(by[asked.get("sort")] || near));
    shown.textContent = `${count} of ${cards.length} shown`;
  };
  form.addEventListener("input", update);
  form.addEventListener("submit", (event) => event.preventDefault());
  update();
})();
