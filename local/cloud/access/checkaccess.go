package access

import (
	"encoding/json"
	"net/http"
)

// maxBody bounds a request to the data plane.
const maxBody = 1 << 20

// The wire types of CheckAccess, as far as they are used.
type (
	checkRequest struct {
		Subject struct {
			Attributes struct {
				ObjectID string `json:"ObjectId"`
			} `json:"Attributes"`
		} `json:"Subject"`
		Actions []struct {
			ID           string `json:"Id"`
			IsDataAction bool   `json:"IsDataAction"`
		} `json:"Actions"`
		Resource struct {
			ID string `json:"Id"`
		} `json:"Resource"`
	}
	checkDecision struct {
		ActionID       string `json:"actionId"`
		AccessDecision string `json:"accessDecision"`
		IsDataAction   bool   `json:"isDataAction"`
		RoleAssignment any    `json:"roleAssignment,omitempty"`
		DenyAssignment any    `json:"denyAssignment,omitempty"`
		TimeToLiveInMs int    `json:"timeToLiveInMs"`
	}
)

// ServeHTTP answers the CheckAccess data plane: for each action of a subject at a
// resource whether it is Allowed, NotAllowed or Denied. The caller was
// authenticated before.
func (a *Access) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var request checkRequest
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&request)
	if r.Method != http.MethodPost || err != nil || request.Subject.Attributes.ObjectID == "" || request.Resource.ID == "" {
		refuseCheck(w, http.StatusBadRequest, "The request must be a POST with Subject, Actions and Resource.")
		return
	}
	decisions := []checkDecision{}
	for _, action := range request.Actions {
		d, err := a.Decide(r.Context(), request.Subject.Attributes.ObjectID, action.ID, request.Resource.ID, action.IsDataAction)
		if err != nil {
			refuseCheck(w, http.StatusInternalServerError, "The check failed.")
			return
		}
		decisions = append(decisions, d.wire(action.ID, action.IsDataAction))
	}
	answerCheck(w, http.StatusOK, map[string]any{"value": decisions})
}

func (d Decision) wire(action string, data bool) checkDecision {
	one := checkDecision{ActionID: action, AccessDecision: "NotAllowed", IsDataAction: data, TimeToLiveInMs: 1000}
	switch {
	case d.Denied:
		one.AccessDecision = "Denied"
		one.DenyAssignment = map[string]any{"id": d.Deny.ID}
	case d.Allowed:
		one.AccessDecision = "Allowed"
		one.RoleAssignment = map[string]any{
			"id": d.Role.ID, "roleDefinitionId": d.Role.Text("roleDefinitionId"), "principalId": d.Role.Text("principalId"),
			"principaltype": d.Role.Text("principalType"), "scope": d.Role.Text("scope"),
		}
	}
	return one
}

func refuseCheck(w http.ResponseWriter, status int, message string) {
	answerCheck(w, status, map[string]any{"statusCode": status, "message": message})
}

func answerCheck(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that went away needs no answer
}
