package main

import (
	"errors"
	"fmt"

	virtualduo "duogateway/virtual/duo"
)

// boardFlags say which board it is.
type boardFlags struct {
	Bootloader   string       `default:"r6" enum:"r3,r4,r5,r6" help:"Bootloader, with the newest system that goes with it."`
	Seed         uint64       `default:"1" help:"Makes boards differ: identifier, key and firmware follow it."`
	FactoryImage bool         `default:"true" negatable:"" help:"The board has a factory image."`
	WiFi         bool         `name:"wifi" default:"true" negatable:"" help:"The board has Wi-Fi credentials; without, it is in listening mode."`
	NoKey        bool         `xor:"key" help:"The board has no key, and makes one when its firmware first runs."`
	DamageKey    bool         `xor:"key" help:"The private key is zeroed, in both copies of the DCT."`
	Flash        []boardImage `placeholder:"ADDRESS=FILE" help:"Image to load into the flash; addresses below 2 MiB are in the serial flash."`
}

// boardImage is ADDRESS=FILE.
type boardImage struct{ flashImage }

// UnmarshalText reads the form of the command line.
func (i *boardImage) UnmarshalText(text []byte) error {
	if err := i.flashImage.UnmarshalText(append([]byte("duo:"), text...)); err != nil {
		return fmt.Errorf("%q is not ADDRESS=FILE: %w", text, err)
	}
	return nil
}

// newBoard makes the board, without power.
func (f boardFlags) newBoard() (*virtualduo.Board, error) {
	loader, err := virtualduo.BootloaderByName(f.Bootloader)
	if err != nil {
		return nil, err
	}
	particle, err := factoryServer()
	if err != nil {
		return nil, err
	}
	board := virtualduo.New(virtualduo.Config{
		Bootloader: loader, Seed: f.Seed, FactoryImage: f.FactoryImage, WiFi: f.WiFi, ServerKey: particle,
	})
	if err := f.fill(board); err != nil {
		board.Close()
		return nil, err
	}
	return board, nil
}

// fill gives the board its key and its images.
func (f boardFlags) fill(board *virtualduo.Board) error {
	if !f.NoKey {
		if err := giveKey(board, f.Seed); err != nil {
			return fmt.Errorf("giving the board a key: %w", err)
		}
	}
	if f.DamageKey {
		if err := errors.Join(board.ZeroKey(), board.ZeroKey()); err != nil { // each goes to the other copy
			return fmt.Errorf("damaging the key: %w", err)
		}
	}
	for _, image := range f.Flash {
		if err := image.load(board); err != nil {
			return err
		}
	}
	return nil
}

// giveKey gives the board the key of seed and the marks of an earlier life.
func giveKey(board *virtualduo.Board, seed uint64) error {
	key := virtualduo.GenerateKey(seed)
	defer key.Clear()
	return errors.Join(board.InstallKey(key.Reveal()), board.Commission())
}
