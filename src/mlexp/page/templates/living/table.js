// Tables: features that change, and their partial dependence.
const living = () => {
  const STEPS_OF = 40;
  let moved = 0; // the feature whose partial dependence is shown
  const change = (k, value) => {
    const raw = Float64Array.from(state.raw);
    raw[k] = value;
    moved = k;
    show(raw);
  };
  const fields = data.features.map(({ name, low, high, whole, words }, k) => {
    const id = `living-${k}`;
    const focused = () => {
      if (moved === k) return;
      moved = k;
      depend();
    };
    if (words.length) {
      const select = element("select", { id }, ...words.map((word, code) => element("option", { value: String(code) }, word)));
      select.addEventListener("change", () => change(k, Number(select.value)));
      select.addEventListener("focus", focused);
      seen.push(() => { select.value = Number.isNaN(state.raw[k]) ? "" : String(state.raw[k]); });
      return element("div", { className: "field" }, element("label", { for: id }, name), select);
    }
    const step = whole ? 1 : (high - low) / 200 || 1;
    const range = element("input", { type: "range", min: String(low), max: String(high), step: whole ? "1" : "any", "aria-label": `${name}, slider` });
    const field = element("input", { id, type: "number", step: "any" });
    range.addEventListener("input", () => change(k, Number(range.value)));
    range.addEventListener("keydown", (event) => {
      const move = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1 }[event.key];
      if (move === undefined || whole) return;
      event.preventDefault();
      change(k, Math.min(Math.max(state.raw[k] + move * step, low), high));
    });
    field.addEventListener("input", () => {
      if (field.value !== "" && Number.isFinite(Number(field.value))) change(k, Number(field.value));
    });
    for (const one of [range, field]) one.addEventListener("focus", focused);
    seen.push(() => {
      const value = state.raw[k];
      range.value = String(Number.isNaN(value) ? (low + high) / 2 : value);
      if (document.activeElement !== field) field.value = Number.isNaN(value) ? "" : String(Number(value.toPrecision(6)));
    });
    return element("div", { className: "field" }, element("label", { for: id }, name), range, field);
  });

  // partial dependence: the mean answer of the samples here with this feature set
  const kind = element("select", { "aria-label": "Class" }, ...data.classes.map((name, k) => element("option", { value: String(k) }, name)));
  const which = element("select", {}, ...data.features.map(({ name }, k) => element("option", { value: String(k) }, name)));
  const chart = element("div", { className: "chart" });
  const words = element("p", { className: "note" });
  const everybody = [...SAMPLES.train, ...(data.part === "train" ? [] : SAMPLES.part)];
  const some = everybody.slice(0, Math.max(Math.min(everybody.length, Math.floor(2e8 / (SIZE * STEPS_OF))), 10));
  let follow = true; // the class that is predicted, until another is chosen
  const depend = later(() => {
    const { name, low, high, words: texts } = data.features[moved];
    which.value = String(moved);
    if (CLASSES && follow) kind.value = String(best(state.answer));
    const place = CLASSES ? Number(kind.value) : 0;
    const values = texts.length ? texts.map((_, code) => code)
      : Array.from({ length: STEPS_OF }, (_, k) => low + (k / (STEPS_OF - 1)) * (high - low));
    const set = (raw, value) => {
      const other = Float64Array.from(raw);
      other[moved] = value;
      return answered(other)[place];
    };
    const mean = values.map((value) => some.reduce((sum, { X }) => sum + set(X, value), 0) / some.length);
    const mine = values.map((value) => set(state.raw, value));
    const now = state.answer[place];
    const all = [...mean, ...mine, now];
    const room = CLASSES ? 0 : 0.05 * (Math.max(...all) - Math.min(...all) || 1);
    const [least, most] = CLASSES ? [0, 1] : [Math.min(...all) - room, Math.max(...all) + room];
    const [W, H, L, B, T, R] = [460, 260, 52, 40, 10, 12];
    const span = [texts.length ? -0.5 : low, texts.length ? texts.length - 0.5 : high === low ? low + 1 : high];
    const x = (value) => L + ((Math.min(Math.max(value, span[0]), span[1]) - span[0]) / (span[1] - span[0])) * (W - L - R);
    const y = (value) => H - B - ((value - least) / (most - least)) * (H - B - T);
    const path = (line) => values.map((value, k) => `${x(value).toFixed(1)},${y(line[k]).toFixed(1)}`).join(" ");
    const text = (content, attributes) => svg("text", attributes, content);
    const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => least + part * (most - least));
    const picture = svg("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": "" },
      ...ticks.flatMap((tick) => [
        svg("line", { class: "rule", x1: L, x2: W - R, y1: y(tick), y2: y(tick) }),
        text(number(tick, 3), { x: L - 6, y: y(tick) + 4, "text-anchor": "end" })]),
      ...(texts.length ? texts.slice(0, 12).map((word, k) => text(word.slice(0, 12), { x: x(k), y: H - B + 16, "text-anchor": "middle" }))
        : [[low, "start"], [(low + high) / 2, "middle"], [high, "end"]].map(([value, anchor]) =>
          text(number(value), { x: x(value), y: H - B + 16, "text-anchor": anchor }))),
      text(name.slice(0, 50), { x: (L + W - R) / 2, y: H - 6, "text-anchor": "middle" }),
      ...[["mean", mean], ["mine", mine]].flatMap(([kind, line]) => (texts.length
        ? values.map((value, k) => svg("circle", { class: kind, cx: x(value), cy: y(line[k]), r: 4 })) // words have no order
        : [svg("polyline", { class: kind, points: path(line) })])),
      svg("circle", { class: "now", cx: x(state.raw[moved]), cy: y(now), r: 5 }));
    const what = CLASSES ? `probability of ${data.classes[place]}` : `predicted ${data.target}`;
    const shown = CLASSES ? percent : number;
    const [lowest, highest] = [mean.indexOf(Math.min(...mean)), best(mean)];
    const named = (k) => (texts.length ? texts[values[k]] : number(values[k]));
    words.textContent = `Mean ${what} of ${some.length} samples with ${name} set: from ${shown(mean[lowest])} at ${named(lowest)} ` +
      `to ${shown(mean[highest])} at ${named(highest)}.`;
    picture.setAttribute("aria-label", words.textContent);
    chart.replaceChildren(picture);
  }, 60);
  seen.push(depend);
  which.addEventListener("change", () => {
    moved = Number(which.value);
    depend();
  });
  kind.addEventListener("change", () => {
    follow = false;
    depend();
  });
  root.append(
    element("p", { className: "note" },
      held() +
      "Start from one of them and change its features."),
    walker(),
    element("div", { className: "columns" },
      element("div", { className: "column fields", role: "group", "aria-label": "Features" }, ...fields),
      element("div", { className: "column grow" },
        element("h3", {}, "Answer"), answer(),
        element("h3", {}, "Partial dependence"),
        element("div", { className: "tools" }, element("label", {}, "Feature ", which), ...(CLASSES ? [element("label", {}, "Class ", kind)] : [])),
        chart,
        element("p", { className: "keys" }, element("span", { className: "mean" }, "mean of the samples here"), element("span", { className: "mine" }, "this sample")),
        words)),
    spoken,
    ...units(),
  );
  show(SAMPLES.part[0].X, SAMPLES.part[0].y, 0);
};
