// The list: only the rows that are in sight are in the page's tree.

const ROW = 56, SPARE = 6; // pixels of a row, as the style sheet has them; rows above and below those in sight
const FIRST_SHOWN = 6;     // columns that are shown at first

class List {
  constructor(theme, view, opened, left) {
    this.listing = view.listing;
    this.view = view;
    this.opened = opened; // called with an example's number to open it
    this.left = left;     // called to close it
    this.box = theme.querySelector('.lxb-list');
    this.head = theme.querySelector('.lxb-head');
    this.rows = theme.querySelector('.lxb-rows');
    this.name = 'lxb-' + document.querySelectorAll('.lxb-list[data-rows]').length; // the rows of each list have names of their own
    this.box.dataset.rows = this.name;
    this.at = -1; // place in the view
    this.shown = this.listing.columns.map((_, k) => k < FIRST_SHOWN);
    this.longest = Math.min(Math.max(...this.listing.ids.slice(0, 1000).map(id => id.length), 4) * 9 + 18, 200); // pixels of an id
    this.box.addEventListener('scroll', () => this.draw());
    this.box.addEventListener('keydown', e => this.key(e));
    this.rows.addEventListener('click', e => {
      const row = e.target.closest('.lxb-row');
      if (row) { this.go(+row.dataset.at); this.open(); }
    });
    new ResizeObserver(() => this.draw()).observe(this.box);
  }

  get cells() { return [this.listing.id, this.listing.text, ...this.listing.columns.filter((_, k) => this.shown[k])]; }

  // refresh draws anew what has changed: the view or its columns. The example that one was at stays so if it is still there.
  refresh() {
    const list = this.view.list, was = this.example;
    this.at = was === undefined ? -1 : list.indexOf(was);
    if (this.at < 0 && list.length) this.at = 0;
    this.example = list[this.at];
    this.pictures = this.listing.pictures.some(p => p.t);
    const wide = c => c === this.listing.text ? [230, 3] : c === this.listing.id ? [this.longest, 0.6] : c.numbers ? [108, 0.7] : [100, 1]; // pixels at least, and a share
    const widths = [...(this.pictures ? [[this.listing.several ? 172 : 90, 0]] : []), ...this.cells.map(wide)];
    this.box.style.setProperty('--columns', widths.map(([least, share]) => share ? 'minmax(' + least + 'px,' + share + 'fr)' : least + 'px').join(' '));
    this.box.style.setProperty('--least', widths.reduce((sum, w) => sum + w[0], 0) + 'px');
    this.box.setAttribute('aria-rowcount', list.length + 1);
    this.box.setAttribute('aria-colcount', this.cells.length + (this.pictures ? 1 : 0));
    this.heading();
    this.rows.style.height = list.length ? list.length * ROW + 'px' : '';
    this.drawn = null;
    this.scrollTo();
    this.draw();
  }

  heading() {
    const row = control('div', {role: 'row', class: 'lxb-row', 'aria-rowindex': 1});
    if (this.pictures) control('div', {role: 'columnheader', class: 'lxb-cell'}, row, 'picture');
    for (const c of this.cells) {
      const sorted = this.view.sorted === c;
      const cell = control('div', {role: 'columnheader', class: 'lxb-cell' + (c.numbers ? ' lxb-number' : ''), 'aria-sort': !sorted ? 'none' : this.view.down ? 'descending' : 'ascending'}, row);
      const button = control('button', {type: 'button', class: 'lxb-sort', title: 'Sort by ' + c.title}, cell, c.title + (!sorted ? '' : this.view.down ? ' ▼' : ' ▲'));
      button.onclick = () => {
        const place = this.cells.indexOf(c) + (this.pictures ? 1 : 0);
        this.sort(c);
        this.head.querySelectorAll('[role=columnheader]')[place].querySelector('button').focus();
      };
    }
    this.head.replaceChildren(row);
  }

  sort(column) {
    this.view.sortBy(column);
    this.example = this.view.list[0];
    this.refresh();
  }

  // draw puts the rows that are in sight into the tree.
  draw() {
    const list = this.view.list, room = Math.max(this.box.clientHeight - this.head.offsetHeight, ROW);
    const from = Math.max(Math.floor(this.box.scrollTop / ROW) - SPARE, 0), to = Math.min(Math.ceil((this.box.scrollTop + room) / ROW) + SPARE, list.length);
    const what = from + ' ' + to + ' ' + this.at;
    if (this.drawn === what) return;
    this.drawn = what;
    if (!list.length) {
      const none = control('p', {class: 'lxb-none', role: 'row'});
      control('span', {role: 'gridcell'}, none, this.listing.count ? 'No example fits. “Show all” takes search and filters away.' : 'There are no examples.');
      this.rows.replaceChildren(none);
      this.box.removeAttribute('aria-activedescendant');
      return;
    }
    const rows = [];
    for (let at = from; at < to; at++) rows.push(this.row(at, list[at]));
    this.rows.replaceChildren(...rows);
    if (this.at >= from && this.at < to) this.box.setAttribute('aria-activedescendant', this.name + '-' + this.at);
    else this.box.removeAttribute('aria-activedescendant');
  }

  row(at, i) {
    const here = at === this.at;
    const row = control('div', {role: 'row', id: this.name + '-' + at, class: 'lxb-row' + (here ? ' lxb-here' : ''), 'aria-rowindex': at + 2, 'aria-selected': here, 'data-at': at});
    row.style.top = at * ROW + 'px';
    if (this.pictures) {
      const cell = control('div', {role: 'gridcell', class: 'lxb-cell lxb-thumbs'}, row);
      for (const k of this.listing.imagesOf(i).slice(0, 2)) {
        const address = this.listing.thumbnail(k);
        if (address) control('img', {src: address, alt: 'picture ' + this.listing.pictures[k].id}, cell);
      }
    }
    for (const c of this.cells) control('div', {role: 'gridcell', class: 'lxb-cell' + (c.numbers ? ' lxb-number' : '')}, row, c.text(i));
    return row;
  }

  // go moves to a place of the view.
  go(at) {
    if (!this.view.list.length) return;
    this.at = Math.min(Math.max(at, 0), this.view.list.length - 1);
    this.example = this.view.list[this.at];
    this.scrollTo();
    this.draw();
  }

  // scrollTo brings the row that one is at into sight.
  scrollTo() {
    const room = Math.max(this.box.clientHeight - this.head.offsetHeight, ROW), top = Math.max(this.at, 0) * ROW;
    if (top < this.box.scrollTop) this.box.scrollTop = top;
    else if (top + ROW > this.box.scrollTop + room) this.box.scrollTop = top + ROW - room;
  }

  open() { if (this.example !== undefined) this.opened(this.example); }

  key(event) {
    if (event.target !== this.box || event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(Math.floor(this.box.clientHeight / ROW) - 2, 1);
    const to = {ArrowDown: this.at + 1, ArrowUp: this.at - 1, PageDown: this.at + page, PageUp: this.at - page, Home: 0, End: this.view.list.length - 1}[event.key];
    if (to !== undefined) { this.go(to); this.left.follow(); }
    else if (event.key === 'Enter' || event.key === ' ') this.open();
    else if (event.key === 'Escape') this.left.close();
    else return;
    event.preventDefault();
  }
}
