package job

// Faults of the board.
const (
	NoUSB               Code = "no-usb"
	WrongBoardType      Code = "wrong-board-type"
	NotParticleFirmware Code = "not-particle-firmware"
	SystemParts         Code = "system-parts"
	UnknownBootloader   Code = "unknown-bootloader"
	DCTUnreadable       Code = "dct-unreadable"
	ForeignDCT          Code = "foreign-dct"
	NoDeviceID          Code = "no-device-id"
	KeyErased           Code = "key-erased"
	KeyDamaged          Code = "key-damaged"
	NoSavedKey          Code = "no-saved-key"
	ServerKeyBad        Code = "server-key-bad"
	BoardLeft           Code = "board-left"
	WriteNotVerified    Code = "write-not-verified"
	NotRunning          Code = "not-running"
	KeyNotMade          Code = "key-not-made"
	USBRefused          Code = "usb-refused"
	ResetPossible       Code = "factory-reset-possible"
)

// Faults of the station.
const (
	BoardChanged     Code = "board-changed"
	PortAmbiguous    Code = "port-ambiguous"
	USBFailed        Code = "usb-failed"
	LinesBusy        Code = "lines-busy"
	GestureFailed    Code = "gesture-failed"
	StoreFailed      Code = "store-failed"
	StoreInUse       Code = "store-in-use"
	StoreDamaged     Code = "store-damaged"
	RecordUnreadable Code = "record-unreadable"
	Interrupted      Code = "interrupted"
	ClockUntrusted   Code = "clock-untrusted"
	OutboxFull       Code = "outbox-full"
	NoGPIO           Code = "no-gpio"
	KeepsOutputs     Code = "keeps-outputs"
	SelfTest         Code = "selftest"
	Internal         Code = "internal"
)

// Faults of the request.
const (
	BadRequest      Code = "bad-request"
	UnknownKind     Code = "unknown-kind"
	UnknownBay      Code = "unknown-bay"
	UnknownJob      Code = "unknown-job"
	UnknownRecord   Code = "unknown-record"
	IDInUse         Code = "id-in-use"
	TooLate         Code = "too-late"
	UnknownImage    Code = "unknown-image"
	ImageRefused    Code = "image-refused"
	NoSoundRecord   Code = "no-sound-record"
	KeyOfOtherBoard Code = "key-of-another-board"
	NotThisBoard    Code = "not-this-board"
	NoExpiry        Code = "no-expiry"
	Expired         Code = "expired"
	Retained        Code = "retained"
	TooLarge        Code = "too-large"
	NotAllowed      Code = "not-allowed"
	BadSignature    Code = "bad-signature"
)

var faults = []Fault{
	{NoUSB, Unit, true, "The board did not come up on its USB port. Check that it sits in the cradle, that it has power, and that its USB cable goes to the port of this bay."},
	{WrongBoardType, Unit, false, "This is not a RedBear Duo. Take it out; this station repairs only Duos."},
	{NotParticleFirmware, Unit, false, "The board runs a bare WICED application, not the Particle firmware. It has no cloud key to repair; nothing was written."},
	{SystemParts, Unit, false, "The system firmware on the board is missing, damaged or too old for its bootloader, so its keys cannot be written. Flash system part 1 and 2 first."},
	{UnknownBootloader, Unit, false, "The bootloader is none of the known releases r3 to r6, and nothing was written. Report its version."},
	{DCTUnreadable, Unit, false, "Neither copy of the configuration table (DCT) is sound. The raw sectors are saved; keys can only be restored after the table itself is."},
	{ForeignDCT, Unit, false, "The DCT on the board names another board: it was copied from there, or its id is damaged, and nothing was written. Restore a saved key of this board, or give the job --record."},
	{NoDeviceID, Unit, false, "The board does not tell its device id. Read it from its label or from the cloud and give it with --device-id."},
	{KeyErased, Unit, false, "The private key is erased, and the board would make a new one when it starts, which the cloud does not know. It is kept in DFU mode: run a repair."},
	{KeyDamaged, Unit, false, "The private key is damaged. Run a repair: it puts a saved key of this board back if there is one."},
	{NoSavedKey, Unit, false, "This station has no saved key of this board, so nothing was written. Look for a backup of its key; else it needs a new key, and the cloud has to be told."},
	{ServerKeyBad, Unit, false, "The cloud's public key or address on the board is missing or damaged. A repair mends it."},
	{BoardLeft, Unit, true, "The board left the USB bus in the middle of the job. Check its cable and its supply, then start the job again."},
	{WriteNotVerified, Unit, true, "What was read back is not what was written. Try again; if it stays, the flash memory of the board is worn."},
	{NotRunning, Unit, true, "The keys are right, but the board did not start its firmware. Press its RESET once; if it stays dark, flash the system firmware."},
	{KeyNotMade, Unit, true, "The board did not make a sound new key. Its old one is saved: restore it, or try again."},
	{USBRefused, Unit, true, "The board refused a request in DFU mode. Try again; if it stays, press its RESET and try once more."},
	{ResetPossible, Unit, false, "SETUP was held too long: the board may have reset its application and Wi-Fi settings. Check both before it goes back."},

	{BoardChanged, Station, true, "Another board, or the same one plugged in again, is in the bay; nothing more was written. Start the job again."},
	{PortAmbiguous, Station, false, "The port path of the bay names more than one device. Give the full path, with the bus, in the configuration."},
	{USBFailed, Station, true, "The station could not use its USB bus. Check the hub and its supply; then try again."},
	{LinesBusy, Station, true, "Another program holds the RESET or SETUP line of the bay. End it, then try again."},
	{GestureFailed, Station, true, "The RESET and SETUP lines could not be driven as needed. Check the wiring of the bay, then try again."},
	{StoreFailed, Station, true, "The key store could not be used. Check that its disk is neither full nor read-only."},
	{StoreInUse, Station, true, "Another gatewayd uses this store. Stop it first, or give this one a folder of its own."},
	{StoreDamaged, Station, false, "The key store cannot be read. It was left as it is: put a good copy in its place, or move it away to begin a new one."},
	{RecordUnreadable, Station, false, "A saved key could not be opened. Check that the identity file of this station is the one that the key was saved with."},
	{Interrupted, Station, true, "The job was interrupted too often. Look into the log for the reason, then start it again."},
	{ClockUntrusted, Station, true, "The clock of the station is not set yet, so it cannot tell whether a request from elsewhere still holds. See that it reaches a time server, then send the request again."},
	{OutboxFull, Station, true, "Too much waits to be told to the broker. Check the connection and the broker."},
	{NoGPIO, Station, false, "A GPIO chip or line of the configuration is not there, or may not be opened: gpiodetect and gpioinfo show what is. To see the station at work without hardware, run: virtualbench demo."},
	{KeepsOutputs, Station, false, "This kernel keeps lines driven when a program dies, so a gesture could wipe a board's program. Set dtparam=strict_gpiod in config.txt and start the Raspberry Pi anew."},
	{SelfTest, Station, false, "The lines marked NOT OK say what to mend; then run the self-test again."},
	{Internal, Station, false, "This is a bug in the gateway. Please report it with the log."},

	{BadRequest, Demand, false, "The request is not well formed. See the message."},
	{UnknownKind, Demand, false, "This station does not know that kind of job."},
	{UnknownBay, Demand, false, "There is no such bay. `gatewayd bays` lists them."},
	{UnknownJob, Demand, false, "There is no such job. `gatewayd jobs` lists them."},
	{UnknownRecord, Demand, false, "There is no such key record. `gatewayd keys` lists them."},
	{IDInUse, Demand, false, "Another job had this id. Use a new one."},
	{TooLate, Demand, false, "The job is over, or the board is being written: it cannot be canceled any more."},
	{UnknownImage, Demand, false, "The station does not have that firmware image. `gatewayd flash` sends it along."},
	{ImageRefused, Demand, false, "That firmware image must not be written to this board. `gatewayd firmware inspect` tells more; nothing was written."},
	{NoSoundRecord, Demand, false, "No saved key of this board can be written back. `gatewayd keys` lists what there is."},
	{KeyOfOtherBoard, Demand, false, "That key belongs to another board: the cloud would refuse this one. Nothing was written."},
	{NotThisBoard, Demand, false, "The device id given is not that of the board in the bay. Nothing was written."},
	{NoExpiry, Demand, false, "A request from elsewhere must say until when it holds. Send a new one, with a new id and not_after."},
	{Expired, Demand, false, "The request came later than its not_after. If the job is still wanted, send a new one with a new id."},
	{Retained, Demand, false, "The request was sent as a retained message, which would come again at each connection. Clear it at the broker, and send the request without retain."},
	{TooLarge, Demand, false, "The request is too large. What a station takes is in its info message."},
	{NotAllowed, Demand, false, "The sender may not ask for that. Sign the request with a key that may, or change the configuration of the station."},
	{BadSignature, Demand, false, "The request is not signed by a key that the station knows. Check the key and its id."},
}
