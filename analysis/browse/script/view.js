// Which examples are seen, and in which order.

class View {
  constructor(listing) {
    this.listing = listing;
    this.query = '';
    this.filters = [];
    this.sorted = null; // a column
    this.down = false;
    this.compute();
  }

  // compute makes the list of examples. Those of which the column knows nothing come last, whichever way it is sorted.
  compute() {
    const words = fold(this.query).split(/\s+/).filter(Boolean), list = [];
    const filters = this.filters.filter(f => f.fits);
    for (let i = 0; i < this.listing.count; i++) {
      if (filters.every(f => f.fits(i)) && (!words.length || words.every(w => this.listing.haystack(i).includes(w)))) list.push(i);
    }
    if (this.sorted) {
      const rank = this.sorted.rank, sign = this.down ? -1 : 1;
      const last = i => this.sorted.missing(i) ? 1 : 0;
      list.sort((a, b) => last(a) - last(b) || (last(a) ? 0 : sign * (rank[a] - rank[b])) || a - b);
    }
    this.list = list;
  }

  get narrowed() { return this.query.trim() !== '' || this.filters.some(f => f.fits); }

  // sortBy sorts by a column: rising, then falling, then in the order of the data again.
  sortBy(column) {
    if (this.sorted !== column) { this.sorted = column; this.down = false; }
    else if (!this.down) this.down = true;
    else this.sorted = null;
    this.compute();
  }
}
