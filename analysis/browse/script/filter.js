// Filters: a column with a value of it, or with numbers from and to.

const MOST_VALUES = 200; // of a column that are listed; of more, letters are typed

function control(name, attributes, parent, text) {
  const e = document.createElement(name);
  for (const k in attributes) e.setAttribute(k, attributes[k]);
  if (text !== undefined) e.textContent = text;
  if (parent) parent.append(e);
  return e;
}

class Filter {
  // changed is called when other examples fit, removed when the filter goes.
  constructor(listing, box, changed, removed) {
    this.listing = listing;
    this.changed = changed;
    this.fits = null; // of an example's number; null: it asks for nothing
    this.root = control('span', {class: 'lxb-filter', role: 'group', 'aria-label': 'Filter'}, box);
    this.select = control('select', {'aria-label': 'Filter by'}, this.root);
    control('option', {value: ''}, this.select, 'filter by …');
    listing.columns.forEach((c, k) => control('option', {value: k}, this.select, c.title));
    this.value = control('span', {class: 'lxb-filter'}, this.root);
    const remove = control('button', {type: 'button', 'aria-label': 'Remove this filter'}, this.root, '×');
    remove.onclick = () => { this.root.remove(); removed(this); };
    this.select.onchange = () => this.choose(this.listing.columns[this.select.value]);
  }

  // choose asks for a value of a column; undefined: of none.
  choose(column) {
    this.value.replaceChildren();
    this.fits = null;
    if (column && column.numbers) this.between(column);
    else if (column) this.named(column);
    this.changed();
  }

  between(column) {
    const ends = ['from', 'to'].map(name => control('input', {type: 'number', step: 'any', placeholder: name, 'aria-label': column.title + ' ' + name}, this.value));
    const read = () => {
      const [low, high] = ends.map(e => e.value === '' ? null : +e.value);
      this.fits = low === null && high === null ? null : i => {
        const x = column.numbers[i];
        return x != null && (low === null || x >= low) && (high === null || x <= high);
      };
      this.changed();
    };
    for (const e of ends) e.oninput = read;
  }

  named(column) {
    const counts = column.counts;
    if (counts.length > MOST_VALUES) {
      const typed = control('input', {type: 'text', placeholder: 'contains', 'aria-label': column.title + ' contains'}, this.value);
      typed.oninput = () => {
        const want = fold(typed.value);
        const has = column.names.map(name => fold(name).includes(want));
        this.fits = want ? i => has[column.at[i]] : null;
        this.changed();
      };
      return;
    }
    const select = control('select', {'aria-label': column.title}, this.value);
    control('option', {value: ''}, select, 'any');
    for (const [name, n] of counts) control('option', {value: name}, select, name + ' (' + n.toLocaleString('en') + ')');
    select.onchange = () => {
      const want = column.names.indexOf(select.value);
      this.fits = select.value === '' ? null : i => column.at[i] === want;
      this.changed();
    };
  }
}
