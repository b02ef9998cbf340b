module github.com/aro-rp/aro

go 1.26.0
