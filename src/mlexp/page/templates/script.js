"use strict";
(() => {
  const key = (cell) => cell.dataset.value ?? cell.textContent.trim();
  const compare = (a, b) => {
    const [x, y] = [Number(a), Number(b)];
    if (a === "" || b === "") return (a === "") - (b === ""); // empty cells last, either way
    return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b, "en", { numeric: true }) : x - y;
  };
  const sort = (table, column, heading) => {
    const down = heading.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => [key(row.cells[column]), row]);
    rows.sort(([a], [b]) => (a === "" || b === "" ? compare(a, b) : down ? compare(b, a) : compare(a, b)));
    body.append(...rows.map(([, row]) => row));
  };
  for (const table of document.querySelectorAll("table[data-sortable]")) {
    if (table.tBodies[0].rows.length < 2) continue;
    [...table.tHead.rows[0].cells].forEach((heading, column) => {
      if (table.tBodies[0].rows[0].cells[column].querySelector("svg")) return;
      const button = document.createElement("button");
      button.type = "button";
      button.title = `sort by ${heading.textContent}`;
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => sort(table, column, heading));
    });
  }

  for (const filters of document.querySelectorAll(".filters")) {
    const table = filters.parentElement.querySelector("table");
    const rows = [...table.tBodies[0].rows];
    const show = () => {
      const chosen = [...filters.querySelectorAll("select")].filter((select) => select.value);
      const words = filters.querySelector("input").value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !(
          chosen.every((select) => row.cells[select.dataset.column].textContent.trim() === select.value) &&
          words.every((word) => text.includes(word))
        );
        shown += !row.hidden;
      }
      filters.querySelector("output").textContent = `${shown} of ${rows.length} rows`;
    };
    filters.addEventListener("input", show);
    show();
  }

  for (const button of document.querySelectorAll(".copy")) {
    if (!navigator.clipboard) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.previousElementSibling.textContent);
      button.textContent = "Copied";
    });
  }
  for (const button of document.querySelectorAll(".enlarge")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const picture = button.closest("figure").querySelector(".picture");
      const large = picture.classList.toggle("large");
      button.setAttribute("aria-pressed", large);
      picture.tabIndex = large ? 0 : -1; // what scrolls can be reached by keyboard
    });
  }
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details:not(.solution)")) details.open = true;
  });
})();
