// All heads at once: a thumbnail for each head of each map, on one scale, to find the heads worth a look. The scale is
// logarithmic from a thousandth to 1: an even share of three dozen regions lies in its middle, so that more and less than
// even are both seen. A click, or Enter, shows that head alone. It is drawn when somebody opens it.

const THUMB = 22, GAP = 2;
const KINDS = [['l', 'tt', 'language layers: words → words'], ['r', 'ii', 'region layers: regions → regions'],
  ['x', 'ti', 'cross layers: words → regions'], ['x', 'it', 'cross layers: regions → words'],
  ['x', 'tt', 'cross layers: words → words'], ['x', 'ii', 'cross layers: regions → regions']];

// ramp gives each of the 256 bytes of a map its colour: from the paper's over orange to one that is far from both.
function ramp(dark) {
  const stops = dark ? [[0x21, 0x24, 0x29], [0x8a, 0x3d, 0x00], [0xf0, 0x8a, 0x2c], [0xff, 0xf3, 0xc4]] : [[0xff, 0xff, 0xff], [0xfb, 0xc0, 0x8a], [0xd5, 0x5e, 0x00], [0x45, 0x12, 0x00]];
  return Array.from({length: 256}, (_, root) => {
    const share = root * root / 255 / 255, at = Math.max(0, 3 + Math.log10(Math.max(share, 1e-9))), i = Math.min(Math.floor(at), 2);
    return stops[i].map((c, k) => Math.round(c + (at - i) * (stops[i + 1][k] - c))).concat(255);
  });
}

class Overview {
  constructor(x) {
    this.x = x;
    const n = x.maps.names.length;
    this.box = x.root.querySelector('.lxr-overview');
    this.box.hidden = false;
    this.box.querySelector('summary').textContent = 'All heads: ' + n + (n === 1 ? ' map × ' : ' maps × ') + x.maps.heads + ' heads';
    this.grid = this.box.querySelector('.lxr-grid');
    this.says = this.box.querySelector('output');
    this.strips = [];
    this.box.addEventListener('toggle', () => { if (this.box.open && !this.strips.length) this.build(); });
  }

  build() {
    for (const [stage, kind, title] of KINDS) {
      const names = this.x.maps.names.filter(n => n[0] === stage && this.x.maps.streams(n) === kind);
      if (!names.length) continue;
      const group = document.createElement('div'), head = document.createElement('div');
      head.className = 'lxr-dim';
      head.textContent = title;
      group.append(head);
      for (const name of names) group.append(this.strip(name));
      this.grid.append(group);
    }
    this.grid.addEventListener('keydown', event => this.key(event));
    this.grid.addEventListener('focus', () => this.tell(this.at || [0, 0]));
    this.mark();
  }

  // strip is the heads of one map side by side.
  strip(name) {
    const row = document.createElement('div'), label = document.createElement('span'), canvas = document.createElement('canvas');
    const heads = this.x.maps.heads, step = THUMB + GAP, index = this.strips.length;
    row.className = 'lxr-strip';
    label.textContent = name;
    canvas.dataset.map = name;
    canvas.width = heads * step * 2; // two dots for each unit, for sharp screens
    canvas.height = step * 2;
    canvas.style.cssText = 'width:' + heads * step + 'px;height:' + step + 'px';
    const head = event => Math.min(Math.max(Math.floor(event.offsetX / step), 0), heads - 1);
    canvas.addEventListener('pointermove', event => this.tell([index, head(event)]));
    canvas.addEventListener('pointerleave', () => { this.says.textContent = ''; });
    canvas.addEventListener('click', event => this.x.show(name, head(event)));
    row.append(label, canvas);
    this.strips.push({name, canvas});
    return row;
  }

  // paint makes the thumbnails and the scale in the colours of the page.
  paint() {
    const dark = getComputedStyle(this.box).getPropertyValue('--dark').trim() === '1';
    if (this.dark === dark) return;
    this.dark = dark;
    this.colors = ramp(dark);
    for (const s of this.strips) s.thumbs = Array.from({length: this.x.maps.heads}, (_, h) => this.thumb(s.name, h));
    const bar = this.box.querySelector('.lxr-ramp canvas'), pen = bar.getContext('2d');
    for (let i = 0; i < bar.width; i++) {
      const root = Math.round(255 * Math.sqrt(10 ** (3 * (i + 0.5) / bar.width - 3)));
      pen.fillStyle = 'rgb(' + this.colors[root].slice(0, 3) + ')';
      pen.fillRect(i, 0, 1, bar.height);
    }
  }

  // thumb is a head as a picture with one dot per number.
  thumb(name, head) {
    const {width, height, roots} = this.x.maps.thumbnail(name, head), canvas = document.createElement('canvas');
    canvas.width = width;
    canvas.height = height;
    const pen = canvas.getContext('2d'), image = pen.createImageData(width, height);
    for (let i = 0; i < roots.length; i++) image.data.set(this.colors[roots[i]], 4 * i);
    pen.putImageData(image, 0, 0);
    return canvas;
  }

  // mark draws the strips and frames the heads that are shown.
  mark() {
    if (!this.strips.length) return;
    this.paint();
    const x = this.x, shown = x.layer ? [x.layer.word, x.layer.region] : [], ink = getComputedStyle(this.box).color;
    for (const {name, canvas, thumbs} of this.strips) {
      const pen = canvas.getContext('2d'), step = 2 * (THUMB + GAP);
      pen.clearRect(0, 0, canvas.width, canvas.height);
      pen.imageSmoothingEnabled = false;
      pen.strokeStyle = ink;
      thumbs.forEach((t, h) => {
        pen.drawImage(t, h * step + GAP, GAP, 2 * THUMB, 2 * THUMB);
        const on = shown.includes(name) && x.heads.includes(h);
        pen.globalAlpha = on ? 1 : 0.25;
        pen.lineWidth = on ? 3 : 1;
        pen.strokeRect(h * step + GAP, GAP, 2 * THUMB, 2 * THUMB);
        pen.globalAlpha = 1;
      });
    }
  }

  tell([row, head]) {
    const {name} = this.strips[row], [asking, asked] = this.x.maps.streams(name), largest = this.x.maps.thumbnail(name, head).roots.reduce((a, b) => Math.max(a, b), 0) / 255;
    this.at = [row, head];
    this.says.textContent = name + ', head ' + head + ': ' + STREAMS[asking] + ' look at ' + STREAMS[asked] + ', at most ' + percent(largest * largest) + '. Click or Enter shows this head alone.';
  }

  key(event) {
    const [row, head] = this.at || [0, 0], step = {ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0]}[event.key];
    if (step) {
      const n = this.strips.length, heads = this.x.maps.heads;
      this.tell([(row + step[0] + n) % n, (head + step[1] + heads) % heads]);
    } else if (event.key === 'Enter' || event.key === ' ') {
      this.x.show(this.strips[row].name, head);
    } else {
      return;
    }
    event.preventDefault();
  }
}
