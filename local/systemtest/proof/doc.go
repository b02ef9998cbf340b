// Package proof proves the life of clusters on one machine: created, used,
// changed and deleted by the official clients, with the real programs, while
// everything that can go wrong does.
//
// It holds tests only. They know the product from outside: its APIs, its log and
// what it leaves on the machine. What a smaller test can prove is not here.
package proof
