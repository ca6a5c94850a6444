// Images: draw or choose one, see what the answer rests on and which training images are near.
const living = () => {
  const { shape: [HIGH, WIDE, CHANNELS = 1], max: MAX, background: BACK, alike } = data.image;
  const N = HIGH * WIDE;
  const SIDE = 280; // of the pad, in its own pixels
  const grey = (raw, k) => {
    const at = (channel) => Math.round((255 * raw[k * CHANNELS + channel]) / MAX);
    return CHANNELS === 3 ? [at(0), at(1), at(2)] : [at(0), at(0), at(0)];
  };
  const ink = (raw) => Float64Array.from({ length: N }, (_, k) => Math.abs(raw[k] - BACK) / MAX);
  const extent = (values, wide, high) => {
    // box around the ink, its centre of mass, its amount
    const top = values.reduce((a, b) => Math.max(a, b), 0);
    let [left, right, first, last, mass, x, y] = [wide, -1, high, -1, 0, 0, 0];
    for (let k = 0; k < wide * high; k++) {
      if (values[k] <= 0.2 * top) continue;
      const [column, row] = [k % wide, Math.floor(k / wide)];
      [left, right] = [Math.min(left, column), Math.max(right, column)];
      [first, last] = [Math.min(first, row), Math.max(last, row)];
      mass += values[k];
      x += values[k] * (column + 0.5);
      y += values[k] * (row + 0.5);
    }
    return { top, left, first, wide: right - left + 1, high: last - first + 1, mass, x: x / mass, y: y / mass };
  };
  const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
  const boxes = CHANNELS === 1
    ? TRAIN.map(({ X }) => extent(ink(X), WIDE, HIGH)).filter(({ mass }) => mass > 0) : [];
  const INKED = boxes.length > 0 && alike > 0.9; // light on dark or dark on light: a drawing can be made alike
  const target = INKED && {
    side: median(boxes.map(({ wide, high }) => Math.max(wide, high))),
    x: median(boxes.map(({ x }) => x)),
    y: median(boxes.map(({ y }) => y)),
    stroke: median(boxes.map(({ mass, wide, high, top }) => mass / top / (2 * Math.max(wide, high)))),
  };
  const FILLS = INKED && target.side > 0.9 * Math.min(HIGH, WIDE);
  const quantised = (share) => (Math.round(255 * Math.min(Math.max(share, 0), 1)) / 255) * MAX;

  const network_ = element("canvas", { className: "pixels", role: "img" });
  seen.push(() => {
    painted(network_, WIDE, HIGH, (k) => grey(state.raw, k));
    network_.setAttribute("aria-label",
      `The image that the network sees, ${HIGH} × ${WIDE} pixels` + (state.y === null ? "" : `: a ${data.classes[state.y] ?? labelled(state.y)}`));
  });

  // what is drawn or chosen, made like the images of the data set
  const fitted = (values) => {
    const box = extent(values, SIDE, SIDE);
    if (!(box.mass > 0)) return null;
    const scale = target.side / Math.max(box.wide, box.high); // pixels of the image to one of the pad
    const [toX, toY] = FILLS ? [WIDE / 2, HIGH / 2] : [target.x, target.y];
    const [fromX, fromY] = FILLS ? [box.left + box.wide / 2, box.first + box.high / 2] : [box.x, box.y];
    const edge = (place, to, from) => (place - to) / scale + from;
    const found = new Float64Array(N);
    for (let k = 0; k < N; k++) {
      const [column, row] = [k % WIDE, Math.floor(k / WIDE)];
      const [x0, x1] = [edge(column, toX, fromX), edge(column + 1, toX, fromX)].map(Math.round);
      const [y0, y1] = [edge(row, toY, fromY), edge(row + 1, toY, fromY)].map(Math.round);
      let sum = 0;
      for (let y = Math.max(y0, 0); y < Math.min(y1, SIDE); y++) {
        for (let x = Math.max(x0, 0); x < Math.min(x1, SIDE); x++) sum += values[y * SIDE + x];
      }
      found[k] = sum / Math.max((x1 - x0) * (y1 - y0), 1);
    }
    const most = found.reduce((a, b) => Math.max(a, b), 0);
    const dark = BACK < MAX / 2;
    const note = `${dark ? "light on dark" : "dark on light"}, the longer side scaled to ${target.side} pixels, centred by ` +
      (FILLS ? "its box" : "its centre of mass");
    return { raw: found.map((value) => quantised(dark ? value / most : 1 - value / most)), note };
  };

  const pad = element("canvas", {
    className: "pad", width: SIDE, height: SIDE, tabIndex: 0, role: "application",
    "aria-label": "Drawing pad. The arrow keys move the pen, space puts it down or lifts it, Delete clears the pad.",
  });
  const context = pad.getContext("2d", { willReadFrequently: true });
  const pen = { x: SIDE / 2, y: SIDE / 4, down: false };
  const WIDTH = INKED ? Math.min(Math.max((target.stroke * 0.7 * SIDE) / target.side, 10), 44) : 20;
  const blank = () => {
    context.fillStyle = "#000";
    context.fillRect(0, 0, SIDE, SIDE);
  };
  const read = later(() => {
    const pixels = context.getImageData(0, 0, SIDE, SIDE).data;
    const found = fitted(Float64Array.from({ length: SIDE * SIDE }, (_, k) => pixels[4 * k] / 255));
    if (found) show(found.raw, null, -1, `your drawing: ${found.note}`);
  }, 30);
  const line = (x, y) => {
    context.strokeStyle = "#fff";
    context.lineWidth = WIDTH;
    context.lineCap = context.lineJoin = "round";
    context.beginPath();
    context.moveTo(pen.x, pen.y);
    context.lineTo(x, y + (x === pen.x && y === pen.y ? 0.01 : 0));
    context.stroke();
    read();
  };
  const placed = (event) => {
    const box = pad.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE];
  };
  pad.addEventListener("pointerdown", (event) => {
    [pen.x, pen.y] = placed(event);
    pen.down = true;
    pad.setPointerCapture(event.pointerId);
    line(pen.x, pen.y);
  });
  pad.addEventListener("pointermove", (event) => {
    if (!pen.down || !event.buttons) return;
    const [x, y] = placed(event);
    line(x, y);
    [pen.x, pen.y] = [x, y];
  });
  for (const name of ["pointerup", "pointercancel"]) pad.addEventListener(name, () => { pen.down = false; });
  const marker = element("span", { className: "pen", "aria-hidden": "true", hidden: true });
  const mark = () => {
    marker.hidden = document.activeElement !== pad || !pad.matches(":focus-visible");
    marker.classList.toggle("down", pen.down);
    [marker.style.left, marker.style.top] = [`${(100 * pen.x) / SIDE}%`, `${(100 * pen.y) / SIDE}%`];
  };
  const clear = () => {
    blank();
    pen.down = false;
    mark();
  };
  const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  pad.addEventListener("keydown", (event) => {
    if (event.key in MOVES) {
      const [x, y] = MOVES[event.key].map((step, k) =>
        Math.min(Math.max([pen.x, pen.y][k] + 10 * step, WIDTH / 2), SIDE - WIDTH / 2));
      if (pen.down) line(x, y);
      [pen.x, pen.y] = [x, y];
    } else if (event.key === " ") {
      pen.down = !pen.down;
      if (pen.down) line(pen.x, pen.y);
    } else if (event.key === "Delete" || event.key === "Backspace") clear();
    else return;
    event.preventDefault();
    mark();
  });
  for (const name of ["focus", "blur"]) pad.addEventListener(name, mark);

  const chosenFile = async (file) => {
    let bitmap;
    try {
      bitmap = await createImageBitmap(file);
    } catch {
      spoken.textContent = `${file.name} is not an image that this browser can read.`;
      return;
    }
    const [wide, high] = INKED ? [SIDE, SIDE] : [WIDE, HIGH];
    const sheet = element("canvas", { width: wide, height: high }).getContext("2d");
    sheet.imageSmoothingQuality = "high";
    const whole = Math.min(wide / bitmap.width, high / bitmap.height);
    const part = Math.max(wide / bitmap.width, high / bitmap.height);
    const scale = INKED ? whole : part; // the whole picture, or its middle
    sheet.fillStyle = "#fff";
    sheet.fillRect(0, 0, wide, high);
    const [w, h] = [bitmap.width * scale, bitmap.height * scale];
    if (INKED) {
      // the margin takes the colour of the picture's first pixel
      sheet.drawImage(bitmap, 0, 0, 1, 1, 0, 0, wide, high);
    }
    sheet.drawImage(bitmap, (wide - w) / 2, (high - h) / 2, w, h);
    const pixels = sheet.getImageData(0, 0, wide, high).data;
    if (CHANNELS === 3) {
      const raw = Float64Array.from({ length: 3 * N }, (_, k) => quantised(pixels[4 * Math.floor(k / 3) + (k % 3)] / 255));
      show(raw, null, -1, `${file.name}: its middle, scaled to ${HIGH} × ${WIDE} pixels`);
      return;
    }
    const light = Float64Array.from({ length: wide * high }, (_, k) =>
      (0.299 * pixels[4 * k] + 0.587 * pixels[4 * k + 1] + 0.114 * pixels[4 * k + 2]) / 255);
    if (!INKED) {
      show(light.map(quantised), null, -1, `${file.name}: grey, its middle, scaled to ${HIGH} × ${WIDE} pixels`);
      return;
    }
    const border = [];
    for (let k = 0; k < SIDE; k++) border.push(light[k], light[SIDE * SIDE - 1 - k], light[k * SIDE], light[k * SIDE + SIDE - 1]);
    const paper = median(border);
    const found = fitted(light.map((value) => Math.abs(value - paper)));
    if (found) show(found.raw, null, -1, `${file.name}: ${found.note}`);
    else spoken.textContent = `${file.name} is of one colour: there is nothing to recognise.`;
  };
  const choose = element("input", { type: "file", accept: "image/*" });
  choose.addEventListener("change", () => choose.files.length && chosenFile(choose.files[0]));
  root.addEventListener("dragover", (event) => event.preventDefault());
  root.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer.files.length) chosenFile(event.dataTransfer.files[0]);
  });
  const save = button("Save as PNG", () =>
    element("a", { href: network_.toDataURL("image/png"), download: "image.png" }).click());

  // why: what happens without a patch
  const heat = element("canvas", { className: "heat", role: "img" });
  const heatWords = element("p", { className: "note" });
  const heatLegend = legend("−", "0", "+", "");
  const [across, down] = [WIDE, HIGH].map((size) => Math.ceil(size / Math.max(Math.ceil(size / 7), Math.min(2, size))));
  const edges = (size, count) => Array.from({ length: count + 1 }, (_, k) => Math.round((k * size) / count));
  const [columns, rows] = [edges(WIDE, across), edges(HIGH, down)];
  const others = TRAIN.slice(0, Math.min(Math.max(Math.floor(1.5e8 / (SIZE * across * down)), 3), 30));
  const explain = later(() => {
    const kind = CLASSES ? best(state.answer) : 0;
    const falls = new Float64Array(across * down);
    for (let p = 0; p < falls.length; p++) {
      const [c, r] = [p % across, Math.floor(p / across)];
      for (const other of others) {
        const raw = Float64Array.from(state.raw);
        for (let y = rows[r]; y < rows[r + 1]; y++) {
          const [from, to] = [CHANNELS * (y * WIDE + columns[c]), CHANNELS * (y * WIDE + columns[c + 1])];
          raw.set(other.X.subarray(from, to), from);
        }
        falls[p] += (state.answer[kind] - answered(raw)[kind]) / others.length;
      }
    }
    const most = falls.reduce((top, value) => Math.max(top, Math.abs(value)), 1e-6);
    const zoom = Math.max(Math.round(280 / Math.max(WIDE, HIGH)), 1);
    const sheet = painted(heat, WIDE * zoom, HIGH * zoom, (k) => {
      const [x, y] = [Math.floor((k % (WIDE * zoom)) / zoom), Math.floor(k / (WIDE * zoom) / zoom)];
      const at = (list, value) => list.findIndex((start, j) => value >= start && value < list[j + 1]);
      const share = falls[at(rows, y) * across + at(columns, x)] / most;
      const [red, green, blue] = grey(state.raw, y * WIDE + x);
      const light = (red + green + blue) / 3 / 255;
      const shade = BACK < MAX / 2 ? 1 - light : light; // ink dark, whatever the data set has
      return signed(share).map((value) => value * (0.55 + 0.45 * shade));
    });
    sheet.strokeStyle = "rgb(255 255 255 / .7)";
    for (const x of columns) sheet.strokeRect(x * zoom, 0, 0, HIGH * zoom);
    for (const y of rows) sheet.strokeRect(0, y * zoom, WIDE * zoom, 0);
    const top = best(falls);
    const what = CLASSES ? `the probability of ${data.classes[kind]}` : "the prediction";
    const amount = (value) => (CLASSES ? `${(100 * value).toFixed(1)} points` : number(value));
    const [c, r] = [top % across, Math.floor(top / across)];
    heatWords.textContent = falls[top] > 0
      ? `${what[0].toUpperCase()}${what.slice(1)} rests most on rows ${rows[r] + 1}–${rows[r + 1]}, columns ${columns[c] + 1}–${columns[c + 1]}: with those of ` +
        `${others.length} training images in their place it falls by ${amount(falls[top])} on average.`
      : `No patch raises ${what}.`;
    heat.setAttribute("aria-label", heatWords.textContent);
    const [low, middle, high, words] = heatLegend.querySelectorAll("span:not(.ramp)");
    [low.textContent, middle.textContent, high.textContent] = [`−${amount(most)}`, "0", `+${amount(most)}`];
    words.textContent = `how far ${what} falls without the patch`;
  }, 120);
  seen.push(explain);

  const near = element("div", { className: "near" });
  seen.push(() => {
    const distances = TRAIN.map(({ ready }) =>
      Math.sqrt(ready.reduce((sum, value, k) => sum + (value - state.inputs[k]) ** 2, 0)));
    const order = [...distances.keys()].sort((a, b) => distances[a] - distances[b]).slice(0, 5);
    near.replaceChildren(...order.map((k) => {
      const canvas = element("canvas", { className: "pixels", role: "img", "aria-label": `A training image: ${labelled(TRAIN[k].y)}` });
      painted(canvas, WIDE, HIGH, (place) => grey(TRAIN[k].X, place));
      return element("figure", {}, canvas, element("figcaption", {}, labelled(TRAIN[k].y), element("small", {}, number(distances[k], 3))));
    }));
  });

  blank();
  root.append(
    element("p", { className: "note" },
      held() +
      (INKED ? "Draw, choose an image, or walk through those here." : "Choose an image, or walk through those here.")),
    walker(),
    element("div", { className: "columns" },
      ...(INKED ? [element("div", { className: "column" },
        element("h3", {}, "Draw"),
        element("div", { className: "frame" }, pad, marker),
        element("div", { className: "tools" }, button("Clear", clear)),
        element("label", { className: "file" }, "Or choose or drop an image ", choose))]
        : []),
      element("div", { className: "column" },
        element("h3", {}, "Input of the network"),
        element("div", { className: "frame" }, network_),
        element("div", { className: "tools" }, save),
        ...(INKED ? [] : [element("label", { className: "file" }, "Choose or drop an image ", choose)])),
      element("div", { className: "column grow" }, element("h3", {}, "Answer"), answer())),
    spoken,
    element("h3", {}, "Why"),
    element("div", { className: "columns" },
      element("figure", { className: "column" }, element("div", { className: "frame" }, heat), heatLegend),
      element("div", { className: "column grow" }, heatWords,
        element("p", { className: "note" }, `The nearest of the ${TRAIN.length} training images here, with their distance in prepared pixels:`), near)),
    ...units(),
  );
  show(SAMPLES.part[0].X, SAMPLES.part[0].y, 0);
  if (HIDDEN.length) pick(0, best(state.outputs[0]));
};
