package job

import "fmt"

// Ruling is what becomes of something that was asked from elsewhere.
type Ruling string

// The rulings.
const (
	Accepted Ruling = "accepted" // it is on the disk, and will be done
	Known    Ruling = "known"    // it was asked before: what was said then holds
	Refused  Ruling = "rejected" // it will not be done
)

// Asked is what an answer answers.
type Asked string

// What can be asked from elsewhere.
const (
	AskedJob    Asked = "request"
	AskedCancel Asked = "cancel"
)

// Answer tells what became of something that was asked from elsewhere, where no
// job tells it.
type Answer struct {
	To            Asked   `json:"to"`
	ID            string  `json:"id,omitempty"`             // the job's; empty when the message named none
	RequestSHA256 string  `json:"request_sha256,omitempty"` // of the message as it came, in hex
	Ruling        Ruling  `json:"ruling"`
	Fault         *Report `json:"fault,omitempty"` // why it was refused
	At            Stamp   `json:"at"`
}

// Refusal is the answer that says no.
func Refusal(to Asked, id string, objection error, at Stamp) Answer {
	return Answer{To: to, ID: id, Ruling: Refused, Fault: shortReport(objection), At: at}
}

// longestMessage bounds what a refusal quotes of a request, in characters.
const longestMessage = 400

func shortReport(objection error) *Report {
	report := ReportOf(objection)
	report.Message = fmt.Sprintf("%.*s", longestMessage, report.Message)
	return &report
}
