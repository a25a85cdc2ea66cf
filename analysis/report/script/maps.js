// The attention maps of one example, unpacked from one byte per number: the square root in 255 steps.

const STREAMS = {t: 'words', i: 'regions'};

const DIGITS = '!#%()*+,-./0123456789:;=?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_abcdefghijklmnopqrstuvwxyz{|}';

// unpack reads base85 as base85 in Go writes it: five letters are four bytes.
function unpack(text) {
  const view = new DataView(new ArrayBuffer(text.length / 5 * 4)), value = new Uint8Array(128);
  for (let i = 0; i < 85; i++) value[DIGITS.charCodeAt(i)] = i;
  for (let at = 0, to = 0; at < text.length; at += 5, to += 4) {
    let n = 0;
    for (let i = at; i < at + 5; i++) n = 85 * n + value[text.charCodeAt(i)];
    view.setUint32(to, n);
  }
  return new Uint8Array(view.buffer);
}

class Maps {
  // groups are, for each stream, the positions of what is shown as one: the pieces of a word.
  constructor(index, heads, packed, groups) {
    this.heads = heads;
    this.groups = groups;
    this.byName = new Map(index.filter(m => m.q && m.k).map(m => [m.n, m])); // without words, or regions, there is nothing to see
    this.names = [...this.byName.keys()];
    this.bytes = unpack(packed);
    this.kept = new Map();
    this.limits = new Map();
  }

  // streams are what asks and what is asked: 'ti' is words looking at regions.
  streams(name) { return name.slice(name.lastIndexOf('.') + 1); }

  // mean is a map averaged over heads, [queries][keys]. Of the pieces of a word, what they look at is averaged and what
  // looks at them adds up, so that a row still sums to 1. null without heads.
  mean(name, heads) {
    if (!heads.length || !this.byName.has(name)) return null;
    const key = name + ' ' + heads;
    if (!this.kept.has(key)) {
      if (this.kept.size > 50) this.kept.clear();
      this.kept.set(key, this.compute(this.byName.get(name), heads));
    }
    return this.kept.get(key);
  }

  compute(m, heads) {
    const [asking, asked] = this.streams(m.n);
    return this.groups[asking].map(queries => {
      const row = new Float64Array(m.k);
      for (const h of heads) {
        for (const q of queries) {
          const at = m.o + (h * m.q + q) * m.k;
          for (let k = 0; k < m.k; k++) {
            const root = this.bytes[at + k] / 255;
            row[k] += root * root / (heads.length * queries.length);
          }
        }
      }
      return this.groups[asked].map(keys => keys.reduce((sum, k) => sum + row[k], 0));
    });
  }

  // limit is the largest share in a map, or in all maps in which the same ask the same: what layers are compared by.
  // Attention to special pieces is not counted.
  limit(name, heads, specials, all) {
    if (!all) return this.largest(name, heads, specials);
    const streams = this.streams(name), key = streams + ' ' + heads;
    if (!this.limits.has(key)) {
      this.limits.set(key, Math.max(...this.names.filter(n => this.streams(n) === streams).map(n => this.largest(n, heads, specials))));
    }
    return this.limits.get(key);
  }

  largest(name, heads, specials) {
    const asked = this.streams(name)[1];
    let most = 0;
    for (const row of this.mean(name, heads) || []) row.forEach((v, k) => { if (asked !== 't' || !specials[k]) most = Math.max(most, v); });
    return most;
  }

  // thumbnail is one head of a map as it is, for a picture: square roots from 0 to 255, rows are queries.
  thumbnail(name, head) {
    const m = this.byName.get(name);
    const at = m.o + head * m.q * m.k;
    return {width: m.k, height: m.q, roots: this.bytes.subarray(at, at + m.q * m.k)};
  }
}
