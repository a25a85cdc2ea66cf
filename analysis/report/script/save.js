// The figure as it stands, picture above words, as an SVG file of its own: always dark on white, for paper.

function save(x) {
  const url = URL.createObjectURL(new Blob([figure(x)], {type: 'image/svg+xml'}));
  const a = document.createElement('a');
  a.href = url;
  a.download = ((x.data.question || 'explanation').toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '').slice(0, 60) || 'explanation') + '.svg';
  document.body.append(a);
  a.click();
  a.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

function figure(x) {
  const width = x.svg ? x.data.width : 640, margin = 12;
  const out = element('svg', {'font-family': 'Arial, Helvetica, sans-serif'});
  const paper = element('rect', {x: 0, y: 0, fill: '#fff'}, out);
  const pen = document.createElement('canvas').getContext('2d');
  let y = margin;
  const lines = (text, size, weight, color) => {
    pen.font = weight + ' ' + size + 'px Arial';
    let line = '';
    const flush = () => {
      if (line) element('text', {x: margin, y: y += size * 1.3, 'font-size': size, 'font-weight': weight, fill: color}, out, line);
      line = '';
    };
    for (const word of text.split(/\s+/)) {
      if (line && pen.measureText(line + ' ' + word).width > width) flush();
      line += (line ? ' ' : '') + word;
    }
    flush();
  };
  lines(x.data.question || '', 17, 'bold', '#111');
  const answer = x.root.querySelector('header p');
  if (answer) lines(answer.textContent.trim(), 14, 'normal', '#111');
  y += 8;
  if (x.svg) {
    const copy = x.svg.cloneNode(true);
    for (const [k, v] of [['x', margin], ['y', y], ['width', x.data.width], ['height', x.data.height], ['style', 'font:13px Arial,Helvetica,sans-serif']]) copy.setAttribute(k, v);
    for (const e of copy.querySelectorAll('[tabindex]')) for (const a of ['tabindex', 'role', 'aria-pressed']) e.removeAttribute(a);
    copy.removeAttribute('class');
    out.append(copy);
    y += x.data.height + 12;
  }
  y = figureWords(x, out, pen, margin, width, y);
  const legend = [...x.root.querySelectorAll('.lxr-legend > span')].map(e => [...e.childNodes].map(n => n.textContent).filter(Boolean).join(' to '));
  const facts = [...x.root.querySelectorAll('.lxr-facts > div')].map(d => [...d.children].map(e => e.textContent).join(' '));
  lines([x.shown.attention ? x.shown.text.replace(KEPT, '') : '', ...legend].filter(Boolean).join(' · '), 10, 'normal', '#333');
  lines(facts.join(' · '), 9, 'normal', '#555');
  const w = width + 2 * margin, h = y + margin;
  for (const e of [out, paper]) { e.setAttribute('width', w); e.setAttribute('height', h); }
  out.setAttribute('viewBox', '0 0 ' + w + ' ' + h);
  return new XMLSerializer().serializeToString(out);
}

function figureWords(x, out, pen, margin, width, y) {
  let at = margin;
  x.words.forEach((e, i) => {
    pen.font = '15px Arial';
    const label = x.data.words[i].t, w = pen.measureText(label).width + 12;
    if (at > margin && at + w > margin + width) { at = margin; y += 44; }
    const paint = e.querySelector('.lxr-label').style.backgroundColor, bar = e.querySelector('.lxr-bar').style;
    const rgb = (paint.match(/[\d.]+/g) || []).map(Number);
    element('rect', {x: at, y, width: w, height: 22, rx: 4, fill: rgb.length >= 3 ? 'rgb(' + rgb.slice(0, 3) + ')' : 'none', 'fill-opacity': rgb.length === 4 ? rgb[3] : rgb.length ? 1 : 0}, out);
    if (e.classList.contains('lxr-chosen')) element('rect', {x: at, y, width: w, height: 22, rx: 4, fill: 'none', stroke: '#111', 'stroke-width': 2}, out);
    element('text', {x: at + 6, y: y + 16, 'font-size': 15, fill: x.data.words[i].s ? '#777' : '#111'}, out, label);
    element('rect', {x: at, y: y + 24, width: w, height: 4, fill: '#ececec'}, out);
    element('rect', {x: at, y: y + 24, width: w * parseFloat(bar.width || '0') / 100, height: 4, fill: bar.backgroundColor || 'none'}, out);
    element('text', {x: at + w / 2, y: y + 38, 'font-size': 9, 'text-anchor': 'middle', fill: '#555'}, out, e.querySelector('.lxr-number').textContent);
    at += w + 4;
  });
  return x.words.length ? y + 46 : y;
}
