package console

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// The size of the graph, in its own units, and of the space for its scales.
const (
	width, height = 960, 300
	left, bottom  = 70, 24
	top, right    = 8, 24
	ticks         = 5
)

// tick is a mark of a scale.
type tick struct {
	At   float64
	Text string
}

// graph draws lines.
type graph struct {
	Answer
	low, high float64
}

// graph is nil if there is nothing to draw.
func (a Answer) graph() *graph {
	g := &graph{a, math.Inf(1), math.Inf(-1)}
	for _, l := range a.Lines {
		for _, p := range l.Points {
			if v := float64(p.Value); !math.IsNaN(v) && !math.IsInf(v, 0) {
				g.low, g.high = min(g.low, v), max(g.high, v)
			}
		}
	}
	if g.low > g.high {
		return nil
	}
	if g.low == g.high { // a line in the middle
		margin := max(math.Abs(g.low)/10, 1)
		g.low, g.high = g.low-margin, g.high+margin
	}
	return g
}

func (g *graph) x(at time.Time) float64 {
	return left + (width-left-right)*float64(at.Sub(g.from))/float64(g.to.Sub(g.from))
}

func (g *graph) y(v float64) float64 {
	return top + (height-top-bottom)*(g.high-v)/(g.high-g.low)
}

// path is a line, which has gaps where points are missing.
func (g *graph) path(l Line) string {
	var d strings.Builder
	var last time.Time
	for _, p := range l.Points {
		v, at := float64(p.Value), p.Timestamp.Time()
		if math.IsNaN(v) || math.IsInf(v, 0) {
			last = time.Time{}
			continue
		}
		command := 'L'
		if last.IsZero() || at.Sub(last) > g.step()*3/2 {
			command = 'M'
		}
		if command == 'M' { // a dash, so that a point by itself can be seen
			fmt.Fprintf(&d, "M%.1f %.1fh4", g.x(at)-2, g.y(v))
		}
		fmt.Fprintf(&d, "%c%.1f %.1f", command, g.x(at), g.y(v))
		last = at
	}
	return d.String()
}

func (g *graph) times() (marks []tick) {
	layout := "15:04"
	if g.to.Sub(g.from) > 24*time.Hour {
		layout = "01-02 15:04"
	}
	for i := range ticks {
		at := g.from.Add(g.to.Sub(g.from) * time.Duration(i) / (ticks - 1))
		marks = append(marks, tick{g.x(at), at.Format(layout)})
	}
	return marks
}

func (g *graph) values() (marks []tick) {
	for i := range ticks {
		v := g.low + (g.high-g.low)*float64(i)/(ticks-1)
		marks = append(marks, tick{g.y(v), short(v)})
	}
	return marks
}

// short is a number with a prefix of its magnitude.
func short(v float64) string {
	for _, unit := range []struct {
		name string
		size float64
	}{{"T", 1e12}, {"G", 1e9}, {"M", 1e6}, {"k", 1e3}} {
		if math.Abs(v) >= unit.size {
			return fmt.Sprintf("%.3g%s", v/unit.size, unit.name)
		}
	}
	return fmt.Sprintf("%.3g", v)
}

// describe is the graph for those who do not see it.
func (g *graph) describe() string {
	return fmt.Sprintf("Graph of %d series from %s to %s, with values from %s to %s", len(g.Lines), g.from.Format(time.DateTime), g.to.Format(time.DateTime), short(g.low), short(g.high))
}

// colour is the class of a line.
func colour(i int) string { return fmt.Sprintf("line-%d", i%8) }
