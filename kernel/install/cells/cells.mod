module golxmert.cell

go 1.26.5

require gonum.org/v1/gonum v0.17.0
