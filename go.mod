module github.com/seed-516990b0/golxmert

go 1.26
