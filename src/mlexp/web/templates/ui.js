"use strict";
(() => {
  const { base, watched } = document.body.dataset;
  let { seen } = document.body.dataset;
  const one = (selector, from = document) => from.querySelector(selector);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const address = () => new URLSearchParams(location.search);
  const remember = (query) => {
    const text = query.toString();
    history.replaceState(null, "", location.pathname + (text ? `?${text}` : "") + location.hash);
  };

  // Filters of the list; they stand in the address.
  const filter = one("#filter");
  const fields = ["q", "task", "kind", "status"];
  const applyFilter = () => {
    if (!filter) return;
    const words = filter.q.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = ["task", "kind", "status"].map((name) => [name, filter[name].value]).filter(([, value]) => value);
    const rows = all("#list .row");
    let shown = 0;
    for (const row of rows) {
      const hit = wanted.every(([name, value]) => row.dataset[name] === value) && words.every((word) => row.dataset.text.includes(word));
      if (row.hidden === hit) row.hidden = !hit;
      shown += hit;
    }
    for (const section of all("#list section")) section.hidden = !one(".row:not([hidden])", section);
    one("#found").textContent = `${shown} of ${rows.length}`;
  };
  if (filter) {
    const query = address();
    for (const name of fields) {
      const value = query.get(name) ?? "";
      if (filter[name].tagName === "SELECT" && value && !all("option", filter[name]).some((option) => option.value === value)) filter[name].append(new Option(value));
      filter[name].value = value;
    }
    filter.addEventListener("input", () => {
      const query = address();
      for (const name of fields) filter[name].value ? query.set(name, filter[name].value) : query.delete(name);
      remember(query);
      applyFilter();
    });
    filter.addEventListener("submit", (event) => event.preventDefault());
  }

  // Sorting; the column stands in the address: sort=score, sort=-score.
  const key = (cell) => cell.dataset.value ?? cell.textContent.trim();
  const compare = (a, b) => {
    const [x, y] = [Number(a), Number(b)];
    return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b, "en", { numeric: true }) : x - y;
  };
  const applySort = () => {
    const wanted = address().get("sort") ?? "";
    const down = wanted.startsWith("-");
    for (const table of all("table[data-sorted]")) {
      const heads = [...table.tHead.rows[0].cells];
      for (const head of heads) head.removeAttribute("aria-sort");
      const column = heads.findIndex((head) => head.dataset.key && head.dataset.key === wanted.replace(/^-/, ""));
      if (column < 0) continue;
      heads[column].setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...table.tBodies[0].rows].map((row) => [key(row.cells[column]), row]);
      rows.sort(([a], [b]) => (a === "" || b === "" ? (a === "") - (b === "") : down ? compare(b, a) : compare(a, b)));
      table.tBodies[0].append(...rows.map(([, row]) => row));
    }
  };
  document.addEventListener("click", (event) => {
    const head = event.target.closest("th[data-key]");
    if (!head) return;
    const query = address();
    query.set("sort", (head.getAttribute("aria-sort") === "ascending" ? "-" : "") + head.dataset.key);
    remember(query);
    applySort();
  });

  // Chosen folders; they stand in the address too: run=..., run=...
  const bar = one("#chosen");
  const comparing = location.pathname === `${base}/compare`;
  const applyChosen = () => {
    if (comparing) return;
    const chosen = address().getAll("run");
    for (const box of all(".pick")) box.checked = chosen.includes(box.value);
    bar.hidden = !chosen.length;
    one("#count").textContent = `${chosen.length} chosen`;
    const link = one("#compare");
    link.href = `${base}/compare?${new URLSearchParams(chosen.map((place) => ["run", place]))}`;
  };
  document.addEventListener("change", (event) => {
    if (!event.target.matches(".pick")) return;
    const query = address();
    const chosen = query.getAll("run").filter((place) => place !== event.target.value);
    if (event.target.checked) chosen.push(event.target.value);
    query.delete("run");
    for (const place of chosen) query.append("run", place);
    remember(query);
    applyChosen();
  });
  one("#clear").addEventListener("click", () => {
    const query = address();
    query.delete("run");
    remember(query);
    applyChosen();
  });

  // The parts of a page that change are fetched anew, as the server renders them.
  const state = one("#live");
  const swap = async (url) => {
    const answer = await fetch(url, { credentials: "same-origin" });
    if (!answer.ok) throw new Error(answer.status);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const focused = document.activeElement?.id || document.activeElement?.value;
    const places = all(".scroll").map((box) => [box.scrollLeft, box.scrollTop]);
    const open = all("details[id][open]").map((details) => details.id);
    for (const part of all("[data-live]")) {
      const other = fresh.getElementById(part.id);
      if (other && other.innerHTML !== part.dataset.before) {
        part.replaceChildren(...[...other.childNodes].map((node) => document.importNode(node, true)));
        part.dataset.before = other.innerHTML;
      }
    }
    for (const id of open) { const details = document.getElementById(id); if (details) details.open = true; }
    all(".scroll").forEach((box, number) => { if (places[number]) [box.scrollLeft, box.scrollTop] = places[number]; });
    apply();
    if (focused && document.activeElement === document.body) {
      (document.getElementById(focused) ?? all(".pick").find((box) => box.value === focused))?.focus();
    }
    document.title = fresh.title;
    return fresh.body.dataset.seen;
  };

  let source = null, busy = false, again = false;
  const refresh = async () => {
    if (busy) { again = true; return; }
    busy = true;
    try { seen = await swap(location.href); } catch { /* the next event tries again */ }
    busy = false;
    if (again) { again = false; setTimeout(refresh, 300); }
  };
  const watch = () => {
    if (source || document.hidden || !document.body.dataset.seen) return;
    source = new EventSource(`${base}/events?${new URLSearchParams({ place: watched, seen })}`);
    source.addEventListener("changed", refresh);
    source.onopen = () => { state.textContent = "live"; state.className = ""; };
    source.onerror = () => {
      state.textContent = "no connection to mlexp ui; runs go on";
      state.className = "lost";
      if (source.readyState === EventSource.CLOSED) { source = null; setTimeout(watch, 2000); }
    };
  };
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) { source?.close(); source = null; } else watch();
  });

  // The form of a command.
  const builder = one("#builder");
  if (builder) {
    let waiting = 0;
    const check = async () => {
      const query = new URLSearchParams([...new FormData(builder)].filter(([, value]) => value));
      remember(query);
      try { await swap(location.href); } catch { state.textContent = "no connection to mlexp ui"; }
    };
    builder.addEventListener("input", (event) => {
      if (event.target.id === "find") return;
      clearTimeout(waiting);
      waiting = setTimeout(check, 250);
    });
    builder.addEventListener("submit", (event) => { event.preventDefault(); check(); });
    one("#find").addEventListener("input", () => {
      const words = one("#find").value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const node of all(".node")) {
        let shown = 0;
        for (const field of all(".field", node)) {
          field.hidden = !words.every((word) => field.dataset.text.includes(word));
          shown += !field.hidden;
        }
        node.hidden = !shown;
        if (words.length) node.open = shown > 0;
      }
    });
  }
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(one(`#${button.dataset.copy}`).textContent);
    button.textContent = "Copied";
  });
  for (const form of all("form[data-auto]")) form.addEventListener("change", () => form.submit());

  const apply = () => { applyFilter(); applySort(); applyChosen(); };
  apply();
  watch();
})();
