// One example: its pictures with the regions, its words, everything that is known, and the command that says more.

const LARGEST = 5; // regions that are named

// quoted writes a word of a command as a shell reads it.
const quoted = word => /^[\w.\/+=:,@%-]+$/.test(word) ? word : "'" + word.replaceAll("'", "'\\''") + "'";

class Panel {
  constructor(theme, listing, moved) {
    this.listing = listing;
    this.moved = moved; // called with -1 or 1 to go to the example before or after, with 0 when it is closed
    this.root = theme.querySelector('.lxb-panel');
    this.panes = theme.querySelector('.lxb-panes');
    this.method = 0;
    this.root.addEventListener('keydown', e => {
      if (e.key !== 'Escape') return;
      e.preventDefault();
      this.close();
    });
  }

  get isOpen() { return !this.root.hidden; }

  // covers says that the panel lies over the list, as on narrow screens.
  get covers() { return getComputedStyle(this.root).position === 'fixed'; }

  close() {
    if (!this.isOpen) return;
    this.root.hidden = true;
    this.panes.classList.remove('lxb-open');
    this.root.replaceChildren();
    this.moved(0);
  }

  open(i) {
    this.example = i;
    this.root.hidden = false;
    this.panes.classList.add('lxb-open');
    this.root.setAttribute('aria-label', 'Example ' + this.listing.ids[i]);
    this.draw();
    this.root.scrollTop = 0;
    if (this.covers) this.root.focus();
  }

  draw() {
    const i = this.example, l = this.listing, within = this.root.contains(document.activeElement) && document.activeElement.dataset.lxb;
    this.root.replaceChildren();
    this.bar();
    const images = l.imagesOf(i), scores = images.map((_, p) => l.methods.length ? l.scores(i, this.method, p) : null);
    this.words(i, scores[0]);
    const pictures = control('div', {class: 'lxb-pictures-of'}, this.root);
    images.forEach((k, p) => this.picture(pictures, k, scores[p]));
    if (scores.some(Boolean)) control('p', {class: 'lxr-dim', style: 'font-size:.82em;margin:.3em 0'}, this.root, 'Orange speaks for it, blue against it; full colour is the largest of this example.');
    this.known(i, scores);
    this.command(i, images);
    if (within) { const again = this.root.querySelector('[data-lxb=' + within + ']'); if (again) again.focus(); }
  }

  bar() {
    const bar = control('div', {class: 'lxb-bar lxr-controls'}, this.root), button = (name, text, label, press) => {
      const b = control('button', {type: 'button', 'data-lxb': name, 'aria-label': label, class: 'lxb-' + name}, bar, text);
      b.onclick = press;
    };
    button('before', '↑', 'the example before', () => this.moved(-1));
    button('after', '↓', 'the example after', () => this.moved(1));
    if (this.listing.methods.length > 1) {
      const label = control('label', {}, bar, 'Method '), select = control('select', {'data-lxb': 'method'}, label);
      this.listing.methods.forEach((name, k) => control('option', {value: k}, select, name));
      select.value = this.method;
      select.onchange = () => { this.method = +select.value; this.draw(); };
    } else if (this.listing.methods.length) {
      control('span', {}, bar, this.listing.methods[0]);
    }
    button('close', '×', 'close this example', () => this.close());
  }

  // words is the sentence, with what a method gave to its words.
  words(i, scores) {
    const text = this.listing.texts[i], spans = this.listing.spans && this.listing.spans[i], head = control('h2', {}, this.root);
    let at = 0;
    if (scores && spans) {
      scores.words.forEach((x, w) => {
        const [from, to] = [spans[2 * w], spans[2 * w + 1]];
        if (from < at || to <= from) return;
        head.append(text.slice(at, from));
        const mark = control('mark', {title: this.number(x, scores.wordLimit)}, head, text.slice(from, to));
        if (x > -128) mark.style.background = (x < 0 ? NEGATIVE : POSITIVE) + hex(0.6 * Math.abs(x) / 127);
        at = to;
      });
    }
    head.append(text.slice(at));
  }

  // number writes a score; -128 stands for what is not defined.
  number(x, limit) { return x === -128 ? 'not defined' : written(Number((x / 127 * limit).toPrecision(2))); }

  picture(parent, k, scores) {
    const p = this.listing.pictures[k], address = this.listing.thumbnail(k), boxes = p.b ? Uint8Array.from(atob(p.b), c => c.charCodeAt(0)) : [];
    if (!address && !boxes.length) {
      this.caption(control('figure', {}, parent), p);
      return;
    }
    const figure = control('figure', {}, parent), w = 640, h = Math.min(Math.max(w * (p.h || 3) / (p.w || 4), 100), 1600);
    const svg = element('svg', {viewBox: '0 0 ' + w + ' ' + h, role: 'img', 'aria-label': this.described(k, scores)}, figure);
    if (address) element('image', {href: address, width: w, height: h, preserveAspectRatio: 'none'}, svg);
    const order = [];
    for (let v = 0; 4 * v < boxes.length; v++) order.push(v);
    const strength = v => scores && scores.regions[v] > -128 ? Math.abs(scores.regions[v]) / 127 : 0;
    for (const v of order.sort((a, b) => strength(a) - strength(b))) {
      const [x0, y0, x1, y1] = [...boxes.slice(4 * v, 4 * v + 4)].map((x, c) => x / 255 * (c % 2 ? h : w)), s = strength(v);
      const box = {x: x0, y: y0, width: Math.max(x1 - x0, 1), height: Math.max(y1 - y0, 1)};
      const rect = element('rect', {...box, fill: !s ? '#000' : scores.regions[v] < 0 ? NEGATIVE : POSITIVE, 'fill-opacity': 0.35 * s, stroke: !s ? '#888' : scores.regions[v] < 0 ? NEGATIVE : POSITIVE, 'stroke-opacity': scores ? Math.max(s, 0.08) : 0.5, 'stroke-width': 1 + 4 * s}, svg);
      element('title', {}, rect, this.region(k, v) + (scores ? ', ' + this.number(scores.regions[v], scores.regionLimit) : ''));
    }
    this.caption(figure, p);
  }

  caption(figure, p) {
    const caption = control('figcaption', {}, figure);
    if (p.f) control('a', {href: p.f, target: '_blank', rel: 'noopener'}, caption, p.id);
    else caption.textContent = p.id;
  }

  region(k, v) {
    const name = this.listing.objects[(this.listing.pictures[k].o || [])[v]];
    return 'region ' + v + (name ? ' ' + name : '');
  }

  // largest are the regions with the largest scores.
  largest(scores) {
    return [...scores.regions.keys()].filter(v => scores.regions[v] > -128 && scores.regions[v] !== 0)
      .sort((a, b) => Math.abs(scores.regions[b]) - Math.abs(scores.regions[a]) || a - b).slice(0, LARGEST);
  }

  described(k, scores) {
    return 'picture ' + this.listing.pictures[k].id + (scores && scores.regions.length ? ': ' + this.largest(scores).map(v => this.region(k, v)).join(', ') : '');
  }

  known(i, scores) {
    const list = control('dl', {class: 'lxb-known'}, this.root), l = this.listing;
    const add = (name, value) => { if (value !== '') { control('dt', {}, list, name); control('dd', {}, list, value); } };
    add('id', l.ids[i]);
    for (const c of l.columns) add(c.title, c.text(i));
    l.imagesOf(i).forEach((k, p) => {
      if (scores[p] && scores[p].regions.length) add('largest regions' + (scores.length > 1 ? ' of ' + l.pictures[k].id : ''), this.largest(scores[p]).map(v => this.region(k, v) + ' ' + this.number(scores[p].regions[v], scores[p].regionLimit)).join(', '));
    });
  }

  // command is what makes a page of its own of the example, with all maps of every head; in a notebook it is a line for a cell.
  command(i, images) {
    const l = this.listing, text = l.texts[i];
    if (!l.ask) return;
    if (l.cell) {
      const words = [text, ...images.map(k => l.pictures[k].id)].map(word => JSON.stringify(word).replaceAll('\ufeff', '\\ufeff')); // Go reads what JSON writes, but for a byte order mark
      this.copied('All attention maps of it, by a model m, in a cell:', 'lx.Show(lx.Explain' + (images.length > 1 ? 'Pictures' : '') + '(lx.Ask(m, ' + words.join(', ') + ')))');
      return;
    }
    const name = (l.ids[i].replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[.-]+/, '').slice(0, 80) || 'example');
    const words = [l.ask, ...images.flatMap(k => ['--image', quoted(l.pictures[k].id)]), '--out', quoted(l.folder + name + '.html'), ...(text.startsWith('-') ? ['--'] : []), quoted(text)];
    const below = this.copied('All attention maps of it, on a page of its own, by this command:', words.join(' '));
    if (!l.linked) return;
    below.append(' Then open ');
    (images.length > 1 ? [name + '-left.html', name + '-right.html'] : [name + '.html']).forEach((file, k) => {
      if (k) below.append(' and ');
      control('a', {href: encodeURIComponent(file), target: '_blank', rel: 'noopener'}, below, file);
    });
  }

  // copied is a line with what it is for, and a button that copies it, in the paragraph that is returned.
  copied(what, line) {
    control('p', {style: 'margin:.8em 0 .3em'}, this.root, what);
    control('code', {class: 'lxb-command'}, this.root, line);
    const below = control('p', {style: 'margin:.4em 0 0'}, this.root), copy = control('button', {type: 'button', 'data-lxb': 'copy'}, below, 'Copy');
    copy.onclick = () => {
      const done = () => { copy.textContent = 'Copied'; };
      if (navigator.clipboard) navigator.clipboard.writeText(line).then(done, () => { copy.textContent = 'Copy by hand'; });
      else copy.textContent = 'Copy by hand';
    };
    return below;
  }
}
