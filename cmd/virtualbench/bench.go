package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"

	"duogateway/daemon"
	"duogateway/duo"
	virtualduo "duogateway/virtual/duo"
	"duogateway/virtual/remote"
)

// benchCmd is `virtualbench bench`.
type benchCmd struct {
	Config string `required:"" placeholder:"FILE" help:"Configuration of the station; each of its bays gets a board."`
	Socket string `required:"" placeholder:"PATH" help:"Socket of the bench."`

	Bootloader map[string]string `placeholder:"BAY=NAME" help:"Bootloader of a board: r3, r4, r5 or r6 (default), with the newest system that goes with it."`
	Flash      []flashImage      `placeholder:"BAY:ADDRESS=FILE" help:"Image to load into a board's flash; addresses below 2 MiB are in its serial flash."`
}

// Run serves the bench until ctx ends. The boards have no power at first.
func (c benchCmd) Run(ctx context.Context) error {
	cfg, err := daemon.LoadConfig(c.Config)
	if err != nil {
		return err
	}
	bays, done, err := newBoards(cfg, c.Bootloader)
	if err != nil {
		return err
	}
	defer done()
	if err := loadImages(bays, c.Flash); err != nil {
		return err
	}
	bench, err := remote.New(bays...)
	if err != nil {
		return fmt.Errorf("building the bench: %w", err)
	}
	listener, err := net.Listen("unix", c.Socket)
	if err != nil {
		return fmt.Errorf("opening the socket of the bench: %w", err)
	}
	if err := remote.Serve(ctx, listener, bench); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// newBoards makes a factory-fresh board for each bay, with the bootloaders
// named by bay. done ends them.
func newBoards(cfg daemon.Config, bootloaders map[string]string) (bays []remote.Bay, done func(), err error) {
	particle, err := factoryServer()
	if err != nil {
		return nil, nil, err
	}
	for name := range bootloaders {
		if !slices.ContainsFunc(cfg.Bays, func(b daemon.BayConfig) bool { return b.Name == name }) {
			return nil, nil, fmt.Errorf("there is no bay %q for a bootloader", name)
		}
	}
	for i, b := range cfg.Bays {
		loader, err := bootloaderFor(bootloaders, b.Name)
		if err != nil {
			return nil, nil, err
		}
		bays = append(bays, remote.Bay{
			Name: b.Name,
			Board: virtualduo.New(virtualduo.Config{
				Bootloader: loader, Seed: uint64(i + 1), FactoryImage: true, WiFi: true, ServerKey: particle,
			}),
			Port:  b.Port,
			Reset: b.Reset, Setup: b.Setup, Wiring: remote.Wiring(b.Wiring),
		})
	}
	return bays, func() {
		for _, b := range bays {
			b.Board.Close()
		}
	}, nil
}

// bootloaderFor returns the bootloader named for a bay, r6 if there is none.
func bootloaderFor(names map[string]string, bay string) (*virtualduo.Bootloader, error) {
	name, named := names[bay]
	if !named {
		return virtualduo.BootloaderR6(), nil
	}
	loader, err := virtualduo.BootloaderByName(name)
	if err != nil {
		return nil, fmt.Errorf("bay %q: %w", bay, err)
	}
	return loader, nil
}

// factoryServer is what the factory writes at the server key: the key of
// Particle's device service, and its address.
func factoryServer() ([]byte, error) {
	address, err := duo.EncodeServerAddress(duo.DefaultHost, 0)
	if err != nil {
		return nil, fmt.Errorf("composing the server address: %w", err)
	}
	field := bytes.Repeat([]byte{0xFF}, duo.ServerKeyReserved)
	copy(field, duo.ParticleServerKey())
	return append(field, address...), nil
}

// self is this program, for the children that it starts.
func self() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("finding this program: %w", err)
	}
	return path, nil
}
