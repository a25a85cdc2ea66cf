// Colours, numbers, and the parts of an example that are not the picture: words, legend, facts.

const GREY = '#808080';
// Stripes say "not defined", so that it is not taken for zero.
const STRIPES = 'repeating-linear-gradient(135deg,rgba(128,128,128,.45) 0 3px,transparent 3px 7px)';

// writer is that of Go: numbers of one scale have as many decimals as give its limit two digits that count.
function writer(limit) {
  return x => {
    let text;
    if (x === 0 || limit === 0) text = x.toFixed(0);
    else if (limit >= 1e-3 && limit < 1e4) text = x.toFixed(Math.max(1 - Math.floor(Math.log10(limit)), 0));
    else text = x.toExponential(1).replace(/e([+-])(\d)$/, 'e$10$2');
    return (/[1-9]/.test(text) ? text : text.replace('-', '')).replaceAll('-', '−');
  };
}

const percent = x => (x === 0 || x >= 0.0995 ? Math.round(100 * x) : (100 * x).toFixed(1)) + '\u00a0%'; // on one line

// span makes an element of HTML with inline style.
function span(style, parent, text = '') {
  const e = document.createElement('span');
  e.style.cssText = style;
  e.textContent = text;
  parent.append(e);
  return e;
}

// limitOf is the value of full colour: the largest that is defined and, of words, no special piece.
function limitOf(values, specials) {
  return Math.max(0, ...(values || []).map((v, i) => v == null || (specials && specials[i]) ? 0 : Math.abs(v)));
}

function drawWords(x, s) {
  const specials = x.data.words.map(w => !!w.s), limit = s.limit || limitOf(s.words, specials), write = s.write || writer(limit);
  x.words.forEach((e, i) => {
    const label = e.querySelector('.lxr-label'), bar = e.querySelector('.lxr-bar');
    const v = s.words && s.words[i] != null ? s.words[i] : null, missing = !!s.words && v === null;
    const share = v === null || !limit ? 0 : Math.min(Math.abs(v) / limit, 1);
    const color = specials[i] ? GREY : v < 0 ? NEGATIVE : POSITIVE;
    label.style.background = missing ? STRIPES : specials[i] || v === null ? 'transparent' : color + hex(0.6 * share);
    bar.style.width = Math.round(100 * share) + '%';
    bar.style.background = color;
    e.querySelector('.lxr-number').textContent = v === null ? (missing ? '–' : '') : write(v);
    const note = x.data.words[i].t + (v === null ? (missing ? ', not defined' : '') : ', ' + write(v));
    e.setAttribute('aria-label', note);
    e.title = note;
  });
}

// ownScore writes what a method gave to one word or region, in the digits of its scale.
function ownScore(x, method, {kind, index}) {
  const values = kind === 'word' ? method.words : method.regions, v = values[index];
  const limit = limitOf(values, kind === 'word' ? x.data.words.map(w => !!w.s) : null);
  return v == null ? 'no number' : writer(limit)(v) + (method.unit ? ' ' + method.unit : '');
}

// drawLegend says what the colours mean; it writes what newLegend in Go writes.
function drawLegend(x, s) {
  const box = x.root.querySelector('.lxr-legend');
  box.replaceChildren(document.createTextNode(''));
  const name = span('', box, s.words || s.regions ? s.label : '');
  const specials = x.data.words.map(w => !!w.s);
  let missing = false, special = false;
  for (const [kind, values, skip] of [['words', s.words, specials], ['regions', s.regions, null]]) {
    if (!values) continue;
    missing = missing || values.some(v => v == null);
    special = special || (kind === 'words' && specials.some(Boolean));
    const limit = s.limit || limitOf(values, skip), low = values.some((v, i) => v < 0 && !(skip && skip[i])) ? -limit : 0;
    const write = s.write || writer(limit);
    const item = span('display:inline-flex;align-items:center;gap:.4em', box, kind + ' ' + write(low));
    if (low) name.textContent = s.label + ', orange for and blue against';
    const start = low ? NEGATIVE + '99,' + NEGATIVE + '00,' : '';
    span('display:inline-block;width:5em;height:.75em;border:1px solid rgba(128,128,128,.5);background:linear-gradient(90deg,' + start + POSITIVE + '00,' + POSITIVE + '99)', item);
    span('', item, write(limit) + (s.compared ? ', in all layers' : ''));
  }
  if (special) span('', box, 'grey words: special pieces, not on the scale');
  if (missing) {
    const item = span('display:inline-flex;align-items:center;gap:.4em', box);
    span('display:inline-block;width:1.4em;height:.75em;background:' + STRIPES, item);
    span('', item, 'not defined');
  }
}

// drawFacts lists where the numbers of the chosen method come from.
function drawFacts(x) {
  const list = x.root.querySelector('.lxr-facts');
  if (!list || x.factsOf === x.method) return;
  x.factsOf = x.method;
  const first = list.firstElementChild;
  if (!first) return;
  list.replaceChildren(...(x.data.methods[x.method].facts || []).map(f => {
    const row = first.cloneNode(true);
    row.querySelector('dt').textContent = f.Name;
    const value = row.querySelector('dd');
    value.textContent = f.Value;
    if (f.Full) value.title = f.Full; else value.removeAttribute('title');
    return row;
  }));
}
