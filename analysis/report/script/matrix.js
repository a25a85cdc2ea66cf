// The chosen map in numbers that can be seen: one cell for each pair. Words are rows and regions are columns whichever of
// them asks, so that nothing jumps when the direction changes; the caption says who looks at whom.

class Matrix {
  constructor(x) {
    this.x = x;
    this.box = x.root.querySelector('.lxr-matrix');
    this.box.hidden = false;
    this.svg = this.box.querySelector('svg');
    this.caption = this.box.querySelector('figcaption');
    this.drawn = '';
  }

  draw() {
    const x = this.x, kind = x.at && x.mapName(x.at.kind) ? x.at.kind : x.side;
    const name = x.mapName(kind) || x.mapName(OTHER[kind]);
    const key = name + ' ' + x.heads + ' ' + x.compared();
    if (key !== this.drawn) this.build(name);
    this.drawn = key;
    this.mark(name);
  }

  // build draws the cells of a map.
  build(name) {
    const x = this.x, mean = name && x.maps.mean(name, x.heads);
    this.svg.replaceChildren();
    this.marks = [];
    if (!mean) {
      this.caption.textContent = name ? name + ': no head is chosen.' : '';
      this.svg.setAttribute('viewBox', '0 0 430 1');
      return;
    }
    const [asking, asked] = x.maps.streams(name), turned = asking === 'i' && asked === 't';
    const down = turned ? asked : asking, across = turned ? asking : asked;
    const cell = (r, c) => turned ? mean[c][r] : mean[r][c];
    const labels = {t: x.data.words.map(w => w.t), i: x.data.regions.map(r => r.l)};
    const rows = labels[down].length, cols = labels[across].length;
    const left = 96, side = Math.min(22, (430 - left - 2) / cols), high = Math.min(Math.max(side, 13), rows > 24 ? 10 : 18), top = 4;
    const special = (r, c) => asked === 't' && x.data.words[turned ? r : c].s;
    const limit = x.limit(name);
    this.layout = {left, top, side, high, rows, cols, turned};
    const text = (at, anchor, size, words, more = {}) => element('text', {...at, 'text-anchor': anchor, 'font-size': size, fill: 'currentColor', ...more}, this.svg, words);
    for (let r = 0; r < rows; r++) {
      text({x: left - 5, y: top + high * (r + 0.5) + 3.5}, 'end', Math.min(11, high), cut(labels[down][r], 14));
      for (let c = 0; c < cols; c++) {
        const share = limit ? Math.min(cell(r, c) / limit, 1) : 0;
        const e = element('rect', {x: left + side * c, y: top + high * r, width: side, height: high, fill: special(r, c) ? GREY : POSITIVE, 'fill-opacity': share.toFixed(3), 'shape-rendering': 'crispEdges', 'data-cell': r + ',' + c}, this.svg);
        e.addEventListener('pointerenter', () => this.pointAt(r, c));
        e.addEventListener('pointerleave', () => x.leave());
        e.addEventListener('click', () => this.pinAt(r, c));
      }
    }
    element('rect', {x: left, y: top, width: side * cols, height: high * rows, fill: 'none', stroke: 'currentColor', 'stroke-opacity': 0.4}, this.svg);
    let low = top + high * rows;
    if (across === 't') {
      for (let c = 0; c < cols; c++) {
        const px = left + side * (c + 0.5) + 4, py = low + 10;
        text({x: px, y: py}, 'end', 11, cut(labels.t[c], 12), {transform: 'rotate(-45 ' + px + ' ' + py + ')'});
      }
      low += 12 + 0.72 * 6 * Math.max(...labels.t.map(t => Math.min(t.length, 12)));
    } else {
      for (let c = 0; c < cols; c += cols > 20 ? 5 : 1) text({x: left + side * (c + 0.5), y: low + 12}, 'middle', 10, String(c));
      text({x: left - 5, y: low + 12}, 'end', 10, 'region');
      low += 16;
    }
    this.scale(low + 8, limit, asked === 't' && x.data.words.some(w => w.s), text);
    this.svg.setAttribute('viewBox', '0 0 430 ' + (low + 32));
    const place = s => turned ? (s === 't' ? 'rows' : 'columns') : s === down && s !== across ? 'rows' : 'columns';
    const who = STREAMS[asking] + ' (' + (asking === asked ? 'rows' : place(asking)) + ')', whom = STREAMS[asked] + ' (' + (asking === asked ? 'columns' : place(asked)) + ')';
    this.caption.replaceChildren();
    const strong = document.createElement('strong');
    strong.textContent = name;
    this.caption.append(strong, ', ' + x.headsText() + ': ' + who + ' look at ' + whom + '. Shares after softmax: each ' + (turned ? 'column' : 'row') + ' sums to ' + percent(1) + '.');
  }

  scale(y, limit, grey, text) {
    const {left} = this.layout, wide = 120, steps = 48;
    for (let i = 0; i < steps; i++) {
      element('rect', {x: left + wide * i / steps, y, width: wide / steps, height: 8, fill: POSITIVE, 'fill-opacity': ((i + 0.5) / steps).toFixed(3), 'shape-rendering': 'crispEdges'}, this.svg);
    }
    element('rect', {x: left, y, width: wide, height: 8, fill: 'none', stroke: 'currentColor', 'stroke-opacity': 0.4}, this.svg);
    text({x: left - 5, y: y + 8}, 'end', 10, '0 %');
    text({x: left + wide + 5, y: y + 8}, 'start', 10, percent(limit) + (this.x.compared() ? ', the same in all layers' : ', in this map alone'));
    if (grey) text({x: left, y: y + 20}, 'start', 10, 'grey: special pieces, not on the scale');
  }

  // place is the entry that asks and the one that is asked, of a cell.
  place(r, c) { return this.layout.turned ? [c, r] : [r, c]; }

  target(r, c) {
    const name = this.drawn.split(' ')[0], [asking, asked] = this.x.maps.streams(name), [q, k] = this.place(r, c), inward = this.x.inward();
    return {kind: (inward ? asked : asking) === 't' ? 'word' : 'region', index: inward ? k : q, other: inward ? q : k};
  }

  pointAt(r, c) { this.x.point(this.target(r, c)); }

  pinAt(r, c) { this.x.pin(this.target(r, c)); }

  // mark frames the row or the column of what is pointed at.
  mark(name) {
    for (const e of this.marks || []) e.remove();
    this.marks = [];
    const x = this.x;
    if (!x.at || !this.svg.firstChild || x.mapName(x.at.kind) !== name) return;
    const {left, top, side, high, rows, cols, turned} = this.layout;
    const isRow = turned ? x.inward() : !x.inward(); // asking is down, unless turned
    const frame = (px, py, w, h) => this.marks.push(element('rect', {x: px, y: py, width: w, height: h, fill: 'none', stroke: 'currentColor', 'stroke-width': 1.6, 'pointer-events': 'none', class: 'lxr-frame'}, this.svg));
    if (isRow) frame(left, top + high * x.at.index, side * cols, high);
    else frame(left + side * x.at.index, top, side, high * rows);
    if (x.at.other !== undefined) {
      const [r, c] = isRow ? [x.at.index, x.at.other] : [x.at.other, x.at.index];
      frame(left + side * c, top + high * r, side, high);
    }
  }
}

const cut = (text, n) => text.length <= n ? text : text.slice(0, n - 1) + '…';
