package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"duogateway/duo"
	"duogateway/job"
	"duogateway/keystore"
	"duogateway/secret"
)

const sceneConfig = `# The station of the demo.
station = %q
store = %q
runtime = %q
socket = %q
on_plug = "off" # here nothing happens before the button is pressed

[keys]
escrow = "none"

[gesture]
ask_firmware = false # the demo is about the lines

[mqtt]
broker = %q

[[bay]]
name = "bay-1"
chip = "bench"
reset = "GPIO17"
setup = "GPIO27"
port = "1-1.1"

[[bay]]
name = "bay-2"
chip = "bench"
reset = "GPIO22"
setup = "GPIO23"
port = "1-1.2"
`

func newScene(folder string, out io.Writer) (*scene, error) {
	afar, err := newOperations()
	if err != nil {
		return nil, err
	}
	s := &scene{out: out, folder: folder, began: time.Now(), operations: afar}
	text := fmt.Sprintf(sceneConfig, stationName, s.path("store"), s.path("run"), s.path("gatewayd.sock"), afar.broker.URL())
	if err := os.WriteFile(s.path("gatewayd.toml"), []byte(text), 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("writing the configuration: %w", err), afar.close())
	}
	return s, nil
}

// originalKey reads the key of bay-1, or makes one.
func originalKey(file string) (*duo.PrivateKey, error) {
	if file == "" {
		return duo.NewPrivateKey()
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the key of %s: %w", lostBay, err)
	}
	defer clear(text)
	key, err := duo.ImportPrivateKey(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return key, nil
}

// prepare gives both boards a sound key, lets a brown-out damage it, and starts
// them. The key of bay-1 is saved as one that the cloud has taken.
func (s *scene) prepare(ctx context.Context, key *duo.PrivateKey) error {
	other, err := duo.NewPrivateKey()
	if err != nil {
		return err
	}
	defer other.Clear()
	for bay, k := range map[string]*duo.PrivateKey{lostBay: key, hopelessBay: other} {
		if err := s.commission(bay, k); err != nil {
			return fmt.Errorf("preparing %s: %w", bay, err)
		}
	}
	before, err := s.remote.DumpFlash(lostBay)
	if err != nil {
		return fmt.Errorf("reading what %s holds: %w", lostBay, err)
	}
	defer before.Clear()
	if err := s.brownOut(); err != nil {
		return err
	}
	id, err := s.awaitRunning(ctx, "1-1.1")
	if err != nil {
		return err
	}
	if err := s.saveProven(id, key, before); err != nil {
		return fmt.Errorf("saving the key of %s: %w", lostBay, err)
	}
	s.say("  bay-1: its private key was zeroed by a brown-out; a proven key of it is in the store (%.16s...)", key.Fingerprint())
	s.say("  bay-2: its private key is garbage, and nobody has saved the right one")
	return nil
}

// commission gives a board a key.
func (s *scene) commission(bay string, key *duo.PrivateKey) error {
	field := make([]byte, duo.PublicKeyReserved)
	copy(field, key.SPKI())
	return errors.Join(
		s.remote.WriteDCT(bay, duo.PrivateKeyOffset, key.Fixed().Reveal()),
		s.remote.WriteDCT(bay, duo.PublicKeyOffset, field),
	)
}

// awaitRunning waits for the firmware on a port and returns the board's id.
func (s *scene) awaitRunning(ctx context.Context, port string) (id duo.DeviceID, err error) {
	err = s.await(ctx, "the board on port "+port, s.bench, func() (bool, error) {
		devices, err := s.remote.Devices(ctx)
		for _, d := range devices {
			if d.Port == port && d.Product == duo.ProductRun {
				id, _ = duo.DeviceIDFromSerial(d.Serial)
			}
		}
		return id != "", err
	})
	return id, err
}

// saveProven puts what bay-1 has held into the store, as if an earlier job had
// saved it and the cloud had seen the board with it.
func (s *scene) saveProven(id duo.DeviceID, key *duo.PrivateKey, flash secret.Bytes) error {
	raw := flash.Reveal()[duo.RawStart-duo.InternalStart : duo.RawEnd-duo.InternalStart]
	sectors, err := duo.ParseRaw(raw, duo.R6)
	if err != nil {
		return err
	}
	area, _ := sectors.CurrentArea(duo.EngineNew)
	block, ok := area.Block()
	if !ok {
		return errors.New("the board has no current DCT")
	}
	now := job.Clock{}.Now()
	record := job.KeyRecord{
		Info: job.RecordInfo{
			DeviceID: string(id), KeyState: string(duo.PrivateKeyValid), Fingerprint: key.Fingerprint(),
			Bootloader: int(duo.R6), Bay: lostBay, Stored: now, ProvenAt: &now,
		},
		Raw: secret.Of(raw), Block: block.Bytes,
	}
	store, err := keystore.Open(s.path("store"), keystore.Options{})
	if err != nil {
		return err
	}
	err = store.Import([]job.KeyRecord{record}, job.AuditNote{At: now, Who: "demo", What: "import", Detail: "the key of " + lostBay})
	return errors.Join(err, store.Close())
}

// brownOut loses both keys, and then the boards have power again.
func (s *scene) brownOut() error {
	garbage := make([]byte, duo.PrivateKeyReserved)
	for i := range garbage {
		garbage[i] = byte(i*7 + 3)
	}
	damage := map[string][]byte{lostBay: make([]byte, duo.PrivateKeyReserved), hopelessBay: garbage}
	for bay, bytes := range damage {
		err := errors.Join(
			s.remote.WriteDCT(bay, duo.PrivateKeyOffset, bytes), // one copy of the DCT
			s.remote.WriteDCT(bay, duo.PrivateKeyOffset, bytes), // and the other
			s.remote.Plug(bay),
		)
		if err != nil {
			return fmt.Errorf("damaging %s: %w", bay, err)
		}
	}
	return nil
}
