package model

import "time"

// MonitorResult is what the last check of a cluster by the monitor found. It is written
// when it changes, and seldom otherwise.
type MonitorResult struct {
	Unknown

	// ClusterUID is the UID of the cluster that was checked.
	ClusterUID string         `json:"clusterUid,omitempty"`
	Outcome    MonitorOutcome `json:"outcome,omitempty"`
	// Since is when a check first had this outcome and these problems.
	Since time.Time `json:"since,omitempty"`
	// Problems are the first MaxMonitorProblems, in order; ProblemCount counts all.
	Problems     []MonitorProblem `json:"problems,omitempty"`
	ProblemCount int              `json:"problemCount,omitempty"`
}

// MaxMonitorProblems bounds the problems that are stored of one cluster.
const MaxMonitorProblems = 50

// MonitorOutcome is how a check of a cluster ended.
type MonitorOutcome string

// The outcomes.
const (
	MonitorHealthy     MonitorOutcome = "Healthy"
	MonitorProblems    MonitorOutcome = "Problems"
	MonitorUnreachable MonitorOutcome = "Unreachable"
	// MonitorUnknown is that of a cluster of which no result is stored. It is not stored itself.
	MonitorUnknown MonitorOutcome = "Unknown"
)

// MonitorProblem is a metric that is emitted only while something is not as it should be,
// with its dimensions beside those that name the cluster.
type MonitorProblem struct {
	Unknown

	Metric     string            `json:"metric,omitempty"`
	Dimensions map[string]string `json:"dimensions,omitempty"`
}
