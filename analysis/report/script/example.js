// One example: what is chosen, what is pointed at, and what follows from both. Drawing is in the other files.

class Example {
  constructor(root) {
    this.root = root;
    this.data = JSON.parse(root.querySelector('.lxr-data').textContent);
    const packed = root.querySelector('.lxr-maps');
    this.maps = new Maps(this.data.maps || [], this.data.heads, packed ? packed.textContent.trim() : '',
      {t: this.data.words.map(w => w.p), i: this.data.regions.map((_, j) => [j])});
    this.words = [...root.querySelectorAll('.lxr-word')].sort((a, b) => a.dataset.word - b.dataset.word);
    this.regions = [];
    for (const g of root.querySelectorAll('.lxr-region')) this.regions[g.dataset.region] = g;
    this.svg = root.querySelector('.lxr-picture');
    this.method = 0;
    this.heads = Array.from({length: this.data.heads || 0}, (_, h) => h);
    this.side = 'word';  // whose map is shown while nothing is pointed at
    this.at = null;      // what is pointed at: {kind: 'word' | 'region', index}, and other: an entry of its row or column
    this.pinned = false; // and stays after the pointer has left
    this.buildControls();
    this.listen();
    this.watchWidth();
    if (this.views.length) {
      this.matrix = new Matrix(this);
      this.overview = new Overview(this);
      this.choose(0);
    } else {
      this.draw();
    }
  }

  // Labels have the size of letters on the screen, so that they are drawn anew when the page gets wider or comes into sight.
  watchWidth() {
    let width = 0;
    new ResizeObserver(([entry]) => {
      const now = entry.contentRect.width;
      if (!now || now === width) return;
      width = now;
      requestAnimationFrame(() => {
        for (const e of this.root.querySelectorAll('.lxr-status,.lxr-legend')) e.style.minHeight = '';
        this.draw();
      });
    }).observe(this.root);
  }

  find(name) { return this.root.querySelector('[data-lxr=' + name + ']'); }

  buildControls() {
    const method = this.find('method');
    this.data.methods.forEach((m, i) => method.add(new Option(m.name || 'scores', i)));
    method.parentElement.hidden = this.data.methods.length < 2;
    method.onchange = () => { this.method = +method.value; this.release(); };
    this.find('save').onclick = () => save(this);
    this.views = this.listViews();
    if (!this.views.length) return;
    this.root.querySelector('.lxr-map').hidden = false;
    const view = this.find('view'), layer = this.find('layer'), direction = this.find('direction');
    this.views.forEach((v, i) => view.add(new Option(v.title, i)));
    view.onchange = () => this.choose(+view.value);
    layer.oninput = () => { this.setLayer(+layer.value); this.draw(); };
    direction.onchange = () => this.draw();
    this.find('scale').onchange = () => this.draw();
    for (const h of this.heads) {
      const label = document.createElement('label'), box = document.createElement('input');
      box.type = 'checkbox';
      box.checked = true;
      box.dataset.head = h;
      box.setAttribute('aria-label', 'head ' + h);
      label.title = 'head ' + h + '; double click: only this one';
      box.onchange = () => this.readHeads();
      box.ondblclick = () => this.setHeads([h]);
      label.append(box, String(h));
      this.find('heads').append(label);
    }
    this.find('all-heads').onclick = () => this.setHeads([...Array(this.data.heads).keys()]);
    this.find('no-heads').onclick = () => this.setHeads([]);
  }

  // A view is a list of layers; each has the map in which words ask and the one in which regions ask.
  listViews() {
    const layers = (...kinds) => {
      const found = new Map();
      for (const n of this.maps.names) {
        const kind = this.maps.streams(n), name = n.slice(0, -kind.length - 1);
        if (!kinds.includes(kind)) continue;
        if (!found.has(name)) found.set(name, {name});
        found.get(name)[kind[0] === 't' ? 'word' : 'region'] = n;
      }
      return [...found.values()];
    };
    return [
      {title: 'words ↔ regions', layers: layers('ti', 'it')},
      {title: 'words → words', layers: layers('tt')},
      {title: 'regions → regions', layers: layers('ii')},
    ].filter(v => v.layers.length);
  }

  choose(view, layer = this.views[view].layers.length - 1) {
    this.view = this.views[view];
    this.find('view').value = view;
    this.find('layer').max = this.view.layers.length - 1;
    this.setLayer(layer);
    this.draw();
  }

  setLayer(i) {
    this.layer = this.view.layers[i];
    const slider = this.find('layer'), stage = {l: 'language', r: 'regions', x: 'cross'}[this.layer.name[0]];
    const name = this.layer.name + (stage ? ' (' + stage + ')' : '');
    slider.value = i;
    slider.setAttribute('aria-valuetext', name);
    this.find('layer-name').textContent = name;
  }

  // show is a single head of a map, chosen by name.
  show(name, head) {
    const view = this.views.findIndex(v => v.layers.some(l => l.word === name || l.region === name));
    const layer = this.views[view].layers.findIndex(l => l.word === name || l.region === name);
    this.side = this.views[view].layers[layer].word === name ? 'word' : 'region';
    this.pinned = false;
    this.at = null;
    for (const box of this.boxes()) box.checked = +box.dataset.head === head;
    this.heads = [head];
    this.choose(view, layer);
  }

  boxes() { return [...this.find('heads').querySelectorAll('input')]; }

  readHeads() {
    this.heads = this.boxes().filter(b => b.checked).map(b => +b.dataset.head);
    this.draw();
  }

  setHeads(heads) {
    for (const b of this.boxes()) b.checked = heads.includes(+b.dataset.head);
    this.readHeads();
  }

  // Pointer and keyboard do the same: whatever is under one of them is pointed at; a click, Enter or Space keeps it;
  // Escape lets go. Arrow keys go from word to word, and from region to region, of which each group has one tab stop.
  listen() {
    const add = (list, kind) => list.forEach((e, index) => {
      e.setAttribute('role', 'button');
      e.setAttribute('aria-pressed', 'false');
      e.setAttribute('tabindex', index ? '-1' : '0');
      e.addEventListener('pointerenter', () => this.point({kind, index}));
      e.addEventListener('pointerleave', () => this.leave());
      e.addEventListener('focus', () => { if (e.matches(':focus-visible')) this.point({kind, index}); });
      e.addEventListener('blur', () => this.point(null));
      e.addEventListener('click', () => this.pin({kind, index}));
      e.addEventListener('keydown', event => this.key(event, list, {kind, index}));
    });
    add(this.words, 'word');
    add(this.regions, 'region');
  }

  key(event, list, at) {
    const step = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[event.key];
    if (step || event.key === 'Home' || event.key === 'End') {
      const to = event.key === 'Home' ? 0 : event.key === 'End' ? list.length - 1 : (at.index + step + list.length) % list.length;
      this.pinned = false;
      list.forEach((e, i) => e.setAttribute('tabindex', i === to ? '0' : '-1'));
      list[to].focus();
    } else if (event.key === 'Enter' || event.key === ' ') {
      this.pin(at);
    } else if (event.key === 'Escape') {
      this.release();
    } else {
      return;
    }
    event.preventDefault();
  }

  point(at) {
    if (this.pinned) return;
    this.at = at;
    this.draw();
  }

  // leave goes back to what the keyboard points at.
  leave() {
    const focused = list => list.findIndex(e => e.matches(':focus-visible'));
    const word = focused(this.words), region = focused(this.regions);
    this.point(word >= 0 ? {kind: 'word', index: word} : region >= 0 ? {kind: 'region', index: region} : null);
  }

  pin(at) {
    if (this.pinned && this.at.kind === at.kind && this.at.index === at.index) return this.release();
    this.pinned = true;
    this.at = at;
    this.draw();
  }

  release() {
    this.pinned = false;
    this.at = null;
    this.draw();
  }

  // compared says that colours have one scale for all layers.
  compared() { return this.find('scale').value === 'all'; }

  // limit is the share that has full colour in a map.
  limit(name) { return this.maps.limit(name, this.heads, this.data.words.map(w => !!w.s), this.compared()); }

  inward() { return this.find('direction').value === 'in'; }

  // mapName is the map to read for a word or a region, undefined if the example has none.
  mapName(kind) {
    if (!this.layer) return undefined;
    const one = this.layer.word || this.layer.region;
    const [asking, asked] = this.maps.streams(one);
    if (asking === asked) return asking === (kind === 'word' ? 't' : 'i') ? one : undefined;
    return this.layer[this.inward() ? OTHER[kind] : kind];
  }

  // attention is the row (or column) of what is pointed at: which kind of things it is about, and their shares.
  attention() {
    const name = this.at && this.mapName(this.at.kind);
    const mean = name && this.maps.mean(name, this.heads);
    if (!mean) return null;
    const [asking, asked] = this.maps.streams(name);
    return this.inward()
      ? {name, about: asking === 't' ? 'words' : 'regions', values: mean.map(row => row[this.at.index]), even: 1 / mean[0].length}
      : {name, about: asked === 't' ? 'words' : 'regions', values: mean[this.at.index], even: 1 / mean[0].length};
  }

  headsText() { return this.heads.length === 1 ? 'head ' + this.heads[0] : this.heads.length ? 'mean of ' + this.heads.length + ' heads' : 'no head'; }

  nameOf({kind, index}) { return kind === 'word' ? '“' + this.data.words[index].t + '”' : 'Region ' + this.data.regions[index].l.replace(/^region /, ''); }

  // state is what to show: numbers of words and of regions (null: none), how to write them if not
  // as their scale says, and a sentence about it.
  state() {
    const m = this.data.methods[this.method], at = this.at;
    const scores = {words: m.words, regions: m.regions, source: m.name, label: m.name || 'score'};
    if (!at) {
      scores.text = this.views.length ? 'Point at a word or a region, or go there with Tab and the arrow keys, to see its attention. A click or Enter keeps it, Escape lets go. All boxes are seen while the pointer is on the picture.' : 'Point at a word or a region to read its score.';
      return scores;
    }
    const own = at.kind === 'word' ? m.words : m.regions, name = this.nameOf(at);
    let text = own ? name + ' has ' + ownScore(this, m, at) + ' by ' + (m.name || 'score') + '. ' : name + '. ';
    if (!this.views.length) return {...scores, text};
    if (!this.mapName(at.kind)) return {...scores, text: text + 'The maps “' + this.view.title + '” of ' + this.layer.name + ' do not say what it attends to.'};
    const a = this.attention();
    if (!a) return {words: null, regions: null, write: percent, source: '', label: 'attention', text: text + 'No head is chosen.'};
    const shares = values => values.map(([v, i]) => (a.about === 'words' ? '“' + this.data.words[i].t + '”' : this.data.regions[i].l) + ' (' + percent(v) + ')').join(', ');
    const best = shares(a.values.map((v, i) => [v, i]).sort((x, y) => y[0] - x[0] || x[1] - y[1]).slice(0, 3));
    if (at.other !== undefined) text = name + (this.inward() ? ' is looked at by ' : ' looks at ') + shares([[a.values[at.other], at.other]]) + '; most ' + (this.inward() ? 'by ' : 'at ');
    else text += this.inward() ? 'Most looked at by ' : 'Looks most at ';
    text += best + '. ' + a.name + ', ' + this.headsText() + '; evenly spread: ' + percent(a.even) + ' each.';
    if (this.pinned) text += KEPT;
    return {words: a.about === 'words' ? a.values : null, regions: a.about === 'regions' ? a.values : null, write: percent,
      attention: true, limit: this.limit(a.name), compared: this.compared(), floor: 1.05 * a.even, source: a.name + ', ' + this.headsText(), label: 'attention', text};
  }

  draw() {
    const s = this.state();
    this.shown = s;
    this.root.dataset.shows = s.source || '';
    const status = this.root.querySelector('.lxr-status'), legend = this.root.querySelector('.lxr-legend');
    status.textContent = s.text;
    drawWords(this, s);
    if (this.svg) drawRegions(this, s);
    drawLegend(this, s);
    drawFacts(this);
    // They only grow: what is below must not move away under the pointer.
    for (const e of [status, legend]) e.style.minHeight = e.getBoundingClientRect().height + 'px';
    const mark = (list, kind) => list.forEach((e, i) => {
      const chosen = !!this.at && this.at.kind === kind && this.at.index === i;
      e.classList.toggle('lxr-chosen', chosen);
      e.setAttribute('aria-pressed', String(chosen && this.pinned));
    });
    mark(this.words, 'word');
    mark(this.regions, 'region');
    if (this.matrix) this.matrix.draw();
    if (this.overview) this.overview.mark();
  }
}

const KEPT = ' Kept; Escape or a click lets go.';
const OTHER = {word: 'region', region: 'word'};
