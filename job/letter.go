package job

// Letter is one message that waits to be told to whoever watches the station
// from afar. Exactly one of Job, Event and Answer is there, as Kind says.
type Letter struct {
	Number uint64     `json:"number"` // in the order of telling; never used twice
	Kind   LetterKind `json:"kind"`
	Job    *Job       `json:"job,omitempty"`
	Event  *Event     `json:"event,omitempty"`
	Answer *Answer    `json:"answer,omitempty"`

	// Droppable says that the letter may be given up for want of room.
	Droppable bool `json:"droppable,omitempty"`
}

// LetterKind says what a letter tells.
type LetterKind string

// The kinds of letters.
const (
	JobLetter    LetterKind = "job" // the newest state of a job
	EventLetter  LetterKind = "event"
	AnswerLetter LetterKind = "answer"
)
