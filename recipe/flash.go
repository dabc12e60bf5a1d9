package recipe

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"duogateway/dfu"
	"duogateway/duo"
	"duogateway/job"
)

// Steps of a flash.
const (
	stepImages  = "check-images"
	stepProgram = "program"
)

// flashSteps write firmware. No key is touched, but the DCT is saved first: a
// bootloader writes it by itself when the first block of a system part comes.
func flashSteps(v *visit) []job.Step {
	steps := append(lookSteps(v)[:3],
		job.Step{Name: stepImages, Do: v.checkImages, Again: inDFU},
		job.Step{Name: stepProgram, Do: v.program, Writes: true, Again: inDFU},
	)
	steps = append(steps, job.Step{Name: stepLeave, Do: v.leave, Again: inDFU})
	return append(steps, crossingSteps(v)...)
}

// image is a firmware image and where it goes.
type image struct {
	name    string
	content []byte
	place   duo.Place
	crosses bool // with it the bootloader grows over a copy of the DCT
}

// checkImages refuses the whole set before the first byte of it is written.
func (v *visit) checkImages(ctx context.Context, _ job.Say) (job.Outcome, error) {
	board, err := v.modules(ctx)
	if err != nil {
		return job.Outcome{}, err
	}
	images, err := v.images(board)
	if err != nil {
		return job.Outcome{}, err
	}
	for _, i := range images {
		v.memory.Crosses = v.memory.Crosses || i.crosses
	}
	// From the first erased sector on the board may not start any more.
	v.memory.Stay = true
	return job.Outcome{Detail: fmt.Sprintf("%d images fit this board", len(images))}, nil
}

// modules reads what the board has.
func (v *visit) modules(ctx context.Context) (duo.BoardModules, error) {
	board := duo.BoardModules{Bootloader: v.memory.Bootloader, Part2: v.memory.Part2}
	var err, err2 error
	board.Part1, err = v.readVersion(ctx, duo.VersionAddrPart1)
	board.User, err2 = v.readVersion(ctx, duo.VersionAddrUser)
	if err := errors.Join(err, err2); err != nil {
		return board, err
	}
	d, err := v.original()
	if err != nil {
		return board, err
	}
	if index, ok := d.sectors.Current(d.engine); ok {
		board.CurrentCopy = index + 1
	}
	return board, nil
}

// images are those of the job, checked against the board, in the order in
// which they are written: modules first, then what goes to serial flash.
func (v *visit) images(board duo.BoardModules) ([]image, error) {
	var modules []duo.Module
	contents := map[uint32][]byte{}
	var serial []image
	for _, asked := range v.job.Options.Images {
		content, err := v.book.Images.Image(asked.SHA256)
		if err != nil {
			return nil, err
		}
		if asked.Place != "" {
			serial = append(serial, image{name: string(asked.Place), content: content, place: placeOf(asked.Place)})
			continue
		}
		module, err := duo.InspectModule(content)
		if err != nil {
			return nil, job.Failf(job.ImageRefused, "image %.16s: %w", asked.SHA256, err)
		}
		modules, contents[module.Start] = append(modules, module), content
	}
	duo.SortForFlash(modules)
	if err := v.checkSet(modules, board); err != nil {
		return nil, err
	}
	var images []image
	for _, m := range modules {
		images = append(images, image{name: m.Name(), content: contents[m.Start], place: *m.Target, crosses: duo.CrossesLayout(m, board)})
		board = board.With(m.ModuleInfo)
	}
	return append(images, serial...), checkSerial(serial, board)
}

// checkSet refuses modules that do not fit the board or each other.
func (v *visit) checkSet(modules []duo.Module, board duo.BoardModules) error {
	starts := map[uint32]bool{}
	for _, m := range modules {
		if starts[m.Start] {
			return job.Failf(job.ImageRefused, "two images are for %#08x", m.Start)
		}
		starts[m.Start] = true
	}
	if err := duo.CheckFlashSet(modules, board); err != nil {
		return job.Failf(job.ImageRefused, "checking the images: %w", err)
	}
	return nil
}

func placeOf(p job.Place) duo.Place {
	if p == job.Factory {
		return duo.PlaceFactory()
	}
	return duo.PlaceWiFi()
}

// checkSerial refuses what a board could not use: a factory image that is no
// application for it, and Wi-Fi firmware that was not shipped for its system.
func checkSerial(serial []image, board duo.BoardModules) error {
	for _, i := range serial {
		module, err := duo.InspectModule(i.content)
		switch {
		case i.place == duo.PlaceFactory() && err == nil:
			err = duo.CheckFactory(module, board)
		case i.place == duo.PlaceFactory():
		default:
			err = duo.CheckWiFi(i.content, board)
		}
		if err != nil {
			return job.Failf(job.ImageRefused, "the image for %s: %w", i.place.Name, err)
		}
	}
	return nil
}

// program erases, writes and reads back each image that the board does not
// have yet. It begins anew when an earlier run was cut short.
func (v *visit) program(ctx context.Context, say job.Say) (job.Outcome, error) {
	board, err := v.modules(ctx)
	if err != nil {
		return job.Outcome{}, err
	}
	images, err := v.images(board)
	if err != nil {
		return job.Outcome{}, err
	}
	written := 0
	for _, i := range images {
		there, err := v.device.Read(ctx, i.place.Alt, i.place.Address, len(i.content), nil)
		if err != nil {
			return job.Outcome{}, usbFault(err)
		}
		if bytes.Equal(there, i.content) {
			continue
		}
		written++
		err = v.device.Program(ctx, i.place.Alt, i.place.Address, i.content, func(done, total int) {
			say("writing "+i.name, done, total)
		})
		if errors.Is(err, dfu.ErrMismatch) {
			return job.Outcome{}, job.Failf(job.WriteNotVerified, "%s: %w", i.name, err)
		}
		if err != nil {
			return job.Outcome{}, usbFault(err)
		}
	}
	if v.memory.Crosses {
		if err := v.keepSecondCopy(ctx, say); err != nil {
			return job.Outcome{}, err
		}
	}
	v.memory.Stay = false
	return job.Outcome{Detail: fmt.Sprintf("%d of %d images were written, the others were there", written, len(images))}, nil
}
