// Two features: a point that moves, the plane by epoch, the output of each unit over it.
const living = () => {
  const GRID = 110;
  const MAP = 24;
  const apart = data.part !== "train"; // there is another set than the training set
  const points = [...(apart ? SAMPLES.part.map((one) => ({ ...one, set: "part" })) : []), ...SAMPLES.train.map((one) => ({ ...one, set: "train" }))];
  const limits = data.features.map(({ low, high }, k) => {
    const values = points.map(({ X }) => X[k]).concat(low, high);
    const [least, most] = [Math.min(...values), Math.max(...values)];
    const room = 0.08 * (most - least || 1);
    return [least - room, most + room];
  });
  const colours = data.colours.map((text) => [1, 3, 5].map((place) => parseInt(text.slice(place, place + 2), 16)));
  const at = (k, count) => {
    // the middle of the k-th cell of a grid, the first row on top
    const [column, row] = [k % count, Math.floor(k / count)];
    const place = ([low, high], share) => low + share * (high - low);
    return Float64Array.of(place(limits[0], (column + 0.5) / count), place(limits[1], 1 - (row + 0.5) / count));
  };
  const ready = (count) => Array.from({ length: count * count }, (_, k) => prepared(at(k, count)));
  const [fine, coarse] = [ready(SIZE > 20000 ? 50 : GRID), ready(MAP)];
  const fineSide = Math.sqrt(fine.length);

  const canvas = element("canvas", { className: "plane", role: "img", width: 520, height: 520 });
  const base = element("canvas");
  const even = 1 / data.classes.length;
  const shade = () => {
    painted(base, fineSide, fineSide, (k) => {
      const found = linked(passed(network, fine[k]).at(-1));
      const top = best(found);
      return mixed(WHITE, colours[top], 0.08 + 0.55 * Math.max((found[top] - even) / (1 - even), 0));
    });
  };
  const pixel = (x) => [
    ((x[0] - limits[0][0]) / (limits[0][1] - limits[0][0])) * canvas.width,
    (1 - (x[1] - limits[1][0]) / (limits[1][1] - limits[1][0])) * canvas.height,
  ];
  const outline = (sheet, kind, x, y, r) => {
    const corners = [0, 4, 3, 4, 3, 4, 4, 5][kind];
    sheet.beginPath();
    if (!corners) return sheet.arc(x, y, r, 0, 2 * Math.PI);
    for (let k = 0; k < corners; k++) {
      const angle = (2 * Math.PI * k) / corners + (kind === 1 ? Math.PI / 4 : kind === 4 ? Math.PI / 2 : -Math.PI / 2);
      sheet.lineTo(x + 1.15 * r * Math.cos(angle), y + 1.15 * r * Math.sin(angle));
    }
    return sheet.closePath();
  };
  const draw = () => {
    const sheet = canvas.getContext("2d");
    sheet.imageSmoothingEnabled = true;
    sheet.drawImage(base, 0, 0, canvas.width, canvas.height);
    for (const { X, y, set } of points) {
      outline(sheet, y, ...pixel(X), 4.5);
      [sheet.fillStyle, sheet.lineWidth] = [set === "train" ? data.colours[y] : "#fff", set === "train" ? 1 : 2];
      sheet.strokeStyle = set === "train" ? "#fff" : data.colours[y];
      sheet.fill();
      sheet.stroke();
    }
    const [x, y] = pixel(state.raw);
    for (const [width, colour] of [[5, "#fff"], [2.5, "#000"]]) {
      [sheet.lineWidth, sheet.strokeStyle] = [width, colour];
      sheet.beginPath();
      sheet.arc(x, y, 10, 0, 2 * Math.PI);
      sheet.moveTo(x - 16, y);
      sheet.lineTo(x + 16, y);
      sheet.moveTo(x, y - 16);
      sheet.lineTo(x, y + 16);
      sheet.stroke();
    }
  };

  const fields = data.features.map(({ name }, k) => {
    const field = element("input", { type: "number", step: "any" });
    const step = (limits[k][1] - limits[k][0]) / 100;
    field.addEventListener("keydown", (event) => {
      const move = { ArrowUp: step, ArrowDown: -step }[event.key];
      if (move === undefined) return;
      event.preventDefault();
      field.value = String(Number((Number(field.value) + move).toPrecision(4)));
      field.dispatchEvent(new Event("input"));
    });
    field.addEventListener("input", () => {
      if (field.value === "" || !Number.isFinite(Number(field.value))) return;
      const raw = Float64Array.from(state.raw);
      raw[k] = Number(field.value);
      show(raw);
    });
    seen.push(() => {
      if (document.activeElement !== field) field.value = String(Number(state.raw[k].toPrecision(6)));
    });
    return element("label", {}, `${name} `, field);
  });
  const drag = (event) => {
    const box = canvas.getBoundingClientRect();
    const share = [(event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height];
    show(Float64Array.from(share, (value, k) => limits[k][0] + Math.min(Math.max(value, 0), 1) * (limits[k][1] - limits[k][0])));
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    drag(event);
  });
  canvas.addEventListener("pointermove", (event) => event.buttons && drag(event));

  // the network by epoch
  const shots = [...(data.snapshots ?? [])];
  const own = { epoch: data.epoch ?? 0, weights: data.weights, final: true };
  const twin = shots.findIndex(({ epoch }) => epoch === own.epoch);
  if (twin >= 0) shots[twin] = own;
  else shots.push(own);
  shots.sort((a, b) => a.epoch - b.epoch);
  const home = shots.indexOf(own);
  const slider = element("input", { type: "range", min: "0", max: String(shots.length - 1), value: String(home), "aria-label": "Epoch" });
  const epochWords = element("output", { className: "where" });
  const share = (set) => SAMPLES[set].reduce((hits, { X, y }) => hits + (best(answered(X)) === y), 0) / SAMPLES[set].length;
  const stage = () => {
    const shot = shots[Number(slider.value)];
    network = shot.final ? final : (shot.bound ??= bound(shot.weights));
    const name = shot.epoch ? `epoch ${shot.epoch}` : "before training";
    epochWords.textContent = `${name}${shot.final ? ", the network of this run" : ""}`;
    slider.setAttribute("aria-valuetext", epochWords.textContent);
    refresh();
  };
  const rates = element("p", { className: "note" });
  let playing = 0;
  const play = button("Play", () => {
    const stop = () => {
      clearInterval(playing);
      playing = 0;
      play.textContent = "Play";
    };
    if (playing) return stop();
    play.textContent = "Stop";
    if (Number(slider.value) === shots.length - 1) slider.value = "0";
    else slider.value = String(Number(slider.value) + 1);
    stage();
    playing = setInterval(() => {
      if (Number(slider.value) === shots.length - 1) return stop();
      slider.value = String(Number(slider.value) + 1);
      return stage();
    }, 500);
    return undefined;
  });
  slider.addEventListener("input", stage);

  // what each unit answers to
  const maps = HIDDEN.map((layer, place) => ({
    place, made: Array.from({ length: Math.min(layer.units, 64) }, (_, unit) => {
      const map = element("canvas", { "aria-hidden": "true" });
      const one = element("button", { type: "button", className: "map", "aria-pressed": "false", "aria-label": `Unit ${unit + 1} of layer ${place + 1}` }, map);
      one.addEventListener("click", () => pick(place, unit));
      return { one, map };
    }),
  }));
  const drawMaps = () => {
    const found = coarse.map((x) => passed(network, x));
    for (const { place, made } of maps) {
      made.forEach(({ one, map }, unit) => {
        const values = found.map((outputs) => outputs[place][unit]);
        const top = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-12);
        painted(map, MAP, MAP, (k) => signed(values[k] / top));
        one.classList.toggle("off", off[place].has(unit));
      });
    }
  };
  unitPicked.push(() => {
    for (const { place, made } of maps) {
      made.forEach(({ one }, unit) => one.setAttribute("aria-pressed", String(place === chosen.layer && unit === chosen.unit)));
    }
  });
  const mapped = element("div", { className: "maps" },
    ...maps.map(({ place, made }) => element("div", { role: "group", "aria-label": `Layer ${place + 1}` },
      element("p", { className: "note" }, `Layer ${place + 1}: output of each unit over the plane` +
        (HIDDEN[place].units > made.length ? `, the first ${made.length} of ${HIDDEN[place].units}` : "")),
      element("div", { className: "tiles" }, ...made.map(({ one }) => one)))),
    legend("negative", "0", "positive", "output of a unit, relative to its largest"));

  let drawn = null; // the network whose plane is shown, and what is switched off
  seen.push(() => {
    const now = JSON.stringify([shots.findIndex((shot) => (shot.final ? final : shot.bound) === network), off.map((set) => [...set])]);
    if (now !== drawn) {
      drawn = now;
      shade();
      drawMaps();
      const parts = [["part", SET], ...(apart ? [["train", "training"]] : [])];
      rates.textContent = `Right: ${parts.map(([set, name]) => `${percent(share(set))} of the ${SAMPLES[set].length} ${name} points shown`).join(", ")}.`;
    }
    draw();
    canvas.setAttribute("aria-label", `Plane of ${data.features[0].name} and ${data.features[1].name} with the points and the classes that the network gives. ${rates.textContent}`);
  });

  const keys = data.classes.map((name, k) => {
    const sign = element("canvas", { width: 18, height: 18, "aria-hidden": "true" });
    const sheet = sign.getContext("2d");
    outline(sheet, k, 9, 9, 6);
    [sheet.fillStyle, sheet.strokeStyle] = [data.colours[k], "#fff"];
    sheet.fill();
    return element("span", {}, sign, `class ${name}`);
  });
  root.append(
    element("p", { className: "note" },
      held(shots.length > 1 ? ` after ${shots.length} of its epochs` : "") +
      "Click into the plane, or type the coordinates."),
    ...(shots.length > 1 ? [element("div", { className: "tools epochs" }, play, slider, epochWords)] : []),
    element("div", { className: "columns" },
      element("div", { className: "column wide" },
        element("div", { className: "frame" }, canvas),
        element("p", { className: "keys" }, ...keys, ...(apart ? [element("span", {}, `full: training, ring: ${SET}`)] : [])),
        rates),
      element("div", { className: "column grow" },
        element("h3", {}, "Point"), element("div", { className: "tools" }, ...fields),
        walker(), answer())),
    spoken,
    ...units(mapped),
  );
  state.raw = SAMPLES.part[0].X;
  Object.assign(state, { y: SAMPLES.part[0].y, place: 0 });
  stage();
  pick(0, 0);
};
