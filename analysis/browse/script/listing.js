// What is known of the examples, as the page brings it.

// fold writes a text as it is searched: without case, accents and forms of one letter.
const fold = text => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replaceAll('ß', 'ss');

const collator = new Intl.Collator('en', {numeric: true, sensitivity: 'base'});

// written is a number as a cell shows it.
function written(x) {
  if (x == null) return '';
  const text = Number.isInteger(x) ? String(x) : String(Number(x.toPrecision(4)));
  return text.replaceAll('-', '−');
}

// Column is something that is known of every example: numbers, or names of which many examples share one.
class Column {
  constructor(c) {
    this.name = c.name;
    this.unit = c.unit || '';
    this.numbers = c.numbers;
    this.names = c.names;
    this.at = c.at;
  }

  get title() { return this.name + (this.unit ? ' (' + this.unit + ')' : ''); }

  text(i) { return this.numbers ? written(this.numbers[i]) : this.names[this.at[i]]; }

  // missing says that nothing is known of an example.
  missing(i) { return this.numbers ? this.numbers[i] == null : this.names[this.at[i]] === ''; }

  // rank gives each example a number in whose order it is sorted.
  get rank() {
    if (this.numbers) return this.numbers;
    if (!this.ranks) {
      const order = this.names.map((_, k) => k).sort((a, b) => collator.compare(this.names[a], this.names[b])), place = [];
      order.forEach((k, r) => { place[k] = r; });
      this.ranks = this.at.map(k => place[k]);
    }
    return this.ranks;
  }

  // counts are the names with how many examples have each, the most frequent first.
  get counts() {
    const n = new Array(this.names.length).fill(0);
    for (const k of this.at) n[k]++;
    return this.names.map((name, k) => [name, n[k]]).filter(c => c[0] !== '').sort((a, b) => b[1] - a[1] || collator.compare(a[0], b[0]));
  }
}

class Listing {
  constructor(theme) {
    this.theme = theme;
    const d = JSON.parse(theme.querySelector('.lxb-data').textContent);
    Object.assign(this, d);
    this.count = d.ids.length;
    this.lines = {};
    const id = {name: 'id', names: d.ids, at: d.ids.map((_, i) => i)};
    this.id = new Column(id);
    this.text = new Column({name: 'text', names: d.texts, at: id.at});
    this.columns = d.columns.map(c => new Column(c));
  }

  // line is one line of a script with text, which stands behind this one and may not have arrived yet: null then.
  line(name, i) {
    if (!this.lines[name]) {
      if (document.readyState === 'loading') return null;
      const e = this.theme.querySelector('.lxb-' + name);
      this.lines[name] = e ? e.textContent.split('\n') : [];
    }
    return this.lines[name][i] || '';
  }

  // imagesOf are the numbers of an example's pictures.
  imagesOf(i) {
    const k = this.images[i];
    return typeof k === 'number' ? [k] : k;
  }

  // thumbnail is the address of a picture's data; '' for one that is not there.
  thumbnail(picture) {
    const data = this.line('pictures', picture);
    return data ? 'data:image/jpeg;base64,' + data : '';
  }

  // haystack is what an example is found by.
  haystack(i) {
    if (!this.hay) this.hay = [];
    if (this.hay[i] === undefined) {
      const parts = [this.ids[i], this.texts[i], ...this.imagesOf(i).map(k => this.pictures[k].id)];
      for (const c of this.columns) if (!c.numbers) parts.push(c.text(i));
      this.hay[i] = fold(parts.join('\n'));
    }
    return this.hay[i];
  }

  // scores are what a method gave to the words and regions of an example's picture, from -127 to 127 of the largest; null: nothing.
  scores(i, method, picture) {
    const line = this.line('scores', i);
    if (!line) return null;
    const entry = line.split(';')[method * this.imagesOf(i).length + picture];
    if (!entry) return null;
    const [wordLimit, regionLimit, words, data] = entry.split(',');
    const bytes = Int8Array.from(atob(data), c => c.charCodeAt(0));
    return {words: bytes.subarray(0, +words), regions: bytes.subarray(+words), wordLimit: +wordLimit, regionLimit: +regionLimit};
  }
}
