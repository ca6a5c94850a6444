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

  // What of a table is shown stands in the address: words, filters, order, and how many rows; the server chooses.
  const view = one("#view");
  const show = (change) => {
    const query = address();
    change(query);
    remember(query);
    refresh();
  };
  if (view) {
    one(".needless", view).hidden = true; // each change asks at once
    view.addEventListener("input", (event) => show((query) => {
      const { name, value } = event.target;
      value ? query.set(name, value) : query.delete(name);
      query.delete("shown");
    }));
    view.addEventListener("submit", (event) => {
      event.preventDefault();
      const { name, value } = event.submitter ?? {};
      if (name) show((query) => query.set(name, value));
    });
  }

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
  const state = one("#live"), builder = one("#builder");
  const defaults = (fresh) => { // what a key has where nothing is typed changes with task, data set and model
    for (const field of all("[id^=k-]", builder)) {
      const other = fresh.getElementById(field.id);
      if (field.options) field.options[0].text = other.options[0].text;
      else field.placeholder = other.placeholder;
    }
  };
  const before = new Map(all("[data-live]").map((part) => [part.id, part.innerHTML]));
  const swap = async (url) => {
    const answer = await fetch(url, { credentials: "same-origin" });
    if (!answer.ok) throw new Error(answer.status);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const focused = document.activeElement?.id || document.activeElement?.value;
    const places = all(".scroll").map((box) => [box.scrollLeft, box.scrollTop]);
    const open = all("details[id][open]").map((details) => details.id);
    for (const part of all("[data-live]")) {
      const other = fresh.getElementById(part.id);
      if (other && other.innerHTML !== before.get(part.id)) {
        part.replaceChildren(...[...other.childNodes].map((node) => document.importNode(node, true)));
        before.set(part.id, other.innerHTML);
      }
    }
    for (const id of open) { const details = document.getElementById(id); if (details) details.open = true; }
    all(".scroll").forEach((box, number) => { if (places[number]) [box.scrollLeft, box.scrollTop] = places[number]; });
    applyChosen();
    if (builder) defaults(fresh);
    if (focused && document.activeElement === document.body) {
      (document.getElementById(focused) ?? all(".pick").find((box) => box.value === focused))?.focus();
    }
    document.title = fresh.title;
    return fresh.body.dataset.seen;
  };

  const tell = (words, name = "") => {
    state.textContent = words;
    state.className = name;
  };
  const lost = () => tell("no connection to mlexp ui; runs go on", "lost");
  let source = null, busy = false, again = false;
  const refresh = async () => {
    again = true;
    if (busy) return;
    busy = true;
    while (again) {
      again = false;
      try {
        seen = await swap(location.href);
        if (source?.readyState !== EventSource.CONNECTING) tell(source ? "live" : ""); // it may have been lost
      } catch { lost(); }
    }
    busy = false;
  };
  const watch = () => {
    if (source || document.hidden || !document.body.dataset.seen) return;
    source = new EventSource(`${base}/events?${new URLSearchParams({ place: watched, seen })}`);
    source.addEventListener("changed", refresh);
    source.onopen = () => tell("live");
    source.onerror = () => {
      lost();
      if (source.readyState === EventSource.CLOSED) { source = null; setTimeout(watch, 2000); }
    };
  };
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) { source?.close(); source = null; } else watch();
  });

  // The form of a command.
  if (builder) {
    let waiting = 0;
    const check = () => {
      remember(new URLSearchParams([...new FormData(builder)].filter(([, value]) => value)));
      refresh();
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

  applyChosen();
  watch();
})();
