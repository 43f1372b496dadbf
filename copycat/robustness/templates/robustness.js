(() => {
  "use strict";
  const words = new Intl.Collator("en", { numeric: true });
  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
    heads.forEach((head, i) => {
      const numbers = head.classList.contains("n");
      head.querySelector("button").addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        const value = (row) => row.cells[i].dataset.value;
        body.append(...[...body.rows].sort((a, b) => {
          const x = value(a), y = value(b);
          // What was not measured comes last, whichever way.
          if (x === undefined || y === undefined) return Number(x === undefined) - Number(y === undefined);
          const order = numbers ? Number(x) - Number(y) : words.compare(x, y);
          return up ? order : -order;
        }));
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
      });
    });
  }
})();
