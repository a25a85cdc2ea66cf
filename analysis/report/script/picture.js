// Regions on the picture: the strongest as thick boxes with a label. The others would hide it: they are hairlines while the
// pointer is on the picture, and not seen otherwise. Of attention, only what is above an even share is strong.

const PLATE = 20;

function drawRegions(x, s) {
  const values = s.regions || [], limit = s.limit || limitOf(values), write = s.write || writer(limit);
  const rank = values.map((v, j) => j).filter(j => values[j] && Math.abs(values[j]) > (s.floor || 0)).sort((a, b) => Math.abs(values[b]) - Math.abs(values[a]) || a - b);
  const top = rank.slice(0, Math.max(x.data.top, 0));
  if (s.regions && x.at && x.at.other !== undefined && !top.includes(x.at.other)) top.push(x.at.other); // pointed at in the matrix
  x.regions.forEach((g, j) => {
    const v = values[j] == null ? null : values[j], missing = !!s.regions && v === null, strong = top.includes(j);
    const share = v === null || !limit ? 0 : Math.min(Math.abs(v) / limit, 1);
    const chosen = !!x.at && x.at.kind === 'region' && x.at.index === j;
    const box = g.querySelector('.lxr-box'), halo = g.querySelector('.lxr-halo');
    const set = (e, o) => { for (const k in o) e.setAttribute(k, o[k]); };
    set(box, {
      stroke: chosen ? '#111' : strong ? (v < 0 ? NEGATIVE : POSITIVE) : '#888',
      'stroke-opacity': chosen ? 1 : strong ? (0.35 + 0.65 * share).toFixed(2) : missing || !x.data.methods[x.method].regions ? 0.55 : 0,
      'stroke-width': chosen ? 3 : strong ? (1.3 + 3.9 * share).toFixed(1) : 1,
      'stroke-dasharray': chosen ? '7 4' : missing ? '2 3' : 'none',
    });
    set(halo, {'stroke-opacity': strong || chosen ? 0.8 : 0, 'stroke-width': +box.getAttribute('stroke-width') + 2});
    const note = x.data.regions[j].l + (v === null ? (missing ? ', not defined' : '') : ', ' + write(v));
    g.setAttribute('aria-label', note);
    g.querySelector('title').textContent = note;
    g.classList.toggle('lxr-top', strong);
  });
  drawPlates(x, top, values, write);
}

// drawPlates puts labels above their box, into it or below it: wherever they cover other labels least.
function drawPlates(x, top, values, write) {
  const plates = x.root.querySelector('.lxr-plates'), taken = [], {width, height} = x.data;
  const unit = Math.min(Math.max(width / x.svg.clientWidth, 1), 1.8), high = PLATE * unit; // letters stay readable on a small picture
  plates.replaceChildren();
  for (const j of top) {
    const [x0, y0, x1, y1] = x.data.regions[j].b;
    const g = element('g', {}, plates);
    const rect = element('rect', {rx: 3 * unit, height: high, fill: '#fff', 'fill-opacity': 0.92, stroke: values[j] < 0 ? NEGATIVE : POSITIVE, 'stroke-width': 1}, g);
    const text = element('text', {dx: 6 * unit, dy: 14.5 * unit, 'font-size': 13 * unit, fill: '#111'}, g, write(values[j]) + ' ' + x.data.regions[j].l);
    const w = Math.min(text.getComputedTextLength() + 12 * unit, width);
    let least = Infinity, best;
    for (const [cx, cy] of [[x0, y0 - high], [x0, y0], [x0, y1], [x1 - w, y0 - high], [x1 - w, y0], [x1 - w, y1],
      [x0, y1 - high], [x1 - w, y1 - high], [x1, y0], [x0 - w, y0], [x0, y0 - 2 * high], [x0, y1 + high]]) {
      const px = Math.min(Math.max(cx, 0), width - w), py = Math.min(Math.max(cy, 0), Math.max(height - high, 0));
      let covered = 0;
      for (const t of taken) covered += Math.max(Math.min(px + w, t[2]) - Math.max(px, t[0]), 0) * Math.max(Math.min(py + high, t[3]) - Math.max(py, t[1]), 0);
      if (covered < least) { least = covered; best = [px, py, px + w, py + high]; }
    }
    taken.push(best);
    for (const e of [rect, text]) { e.setAttribute('x', best[0]); e.setAttribute('y', best[1]); }
    rect.setAttribute('width', w);
  }
}
