package main

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"go.uber.org/zap"
)

// The reserve is space on the disk that holds the nodes' state: a file of real
// blocks, made while there is room, and given up when the disk is full. So a
// share that fills its disk, which may well be the same one, keeps nobody from
// enrolling, from getting a new key or from coming back after a restart.
// tmgen gives pieces of it up too, for its own files (src/converge/reserve.ts).
const (
	// reserveName cannot be a node's: those begin with a letter or digit.
	reserveName = ".reserve"
	// reserveSize is enough for the state of 1,000 nodes (some 10 KiB each)
	// and what tmgen writes for them, written anew.
	reserveSize = 32 << 20
	// reservePiece is given up at a time, and used at once: who fills the disk
	// goes on writing, and takes what lies free for long.
	reservePiece = 256 << 10
	// reserveSpare is what has to stay free when the reserve is made or filled.
	reserveSpare = 2 * reserveSize
	// reserveEvery is how often it is looked at.
	reserveEvery = 10 * time.Second
)

// reserveLock keeps two writers from giving up a piece for the same need.
var reserveLock sync.Mutex

// ReserveStatus is the reserve's part of the status, in bytes.
type ReserveStatus struct {
	Size int64 `json:"size"` // what is wanted
	Left int64 `json:"left"` // what is there
}

// reserveOf returns what is left of the reserve in stateDir.
func reserveOf(stateDir string) ReserveStatus {
	st := ReserveStatus{Size: reserveSize}
	if info, err := os.Lstat(filepath.Join(stateDir, reserveName)); err == nil && info.Mode().IsRegular() {
		st.Left = min(info.Size(), reserveSize)
	}
	return st
}

// withRoom runs write, and again for each piece of the reserve that it takes
// until the disk is not full any more.
func withRoom(stateDir string, write func() error) error {
	err := write()
	if !isFull(err) {
		return err
	}
	reserveLock.Lock()
	defer reserveLock.Unlock()
	for isFull(err) && giveUp(stateDir) {
		err = write()
	}
	return err
}

func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// giveUp makes the reserve one piece smaller, or reports that nothing is left.
func giveUp(stateDir string) bool {
	f, err := openReserve(stateDir, os.O_WRONLY)
	if err != nil {
		return false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return false
	}
	left := max(0, info.Size()-reservePiece)
	if f.Truncate(left) != nil {
		return false
	}
	f.Sync() // ext4 frees the blocks with its next commit
	logger().Warn("the disk of the state is full: using its reserve",
		zap.String("folder", stateDir), zap.Int64("bytes_left", left))
	return true
}

// keepReserve makes the reserve and fills it again, as soon as there is room.
func keepReserve(ctx context.Context, stateDir func() string) {
	tick := time.NewTicker(reserveEvery)
	defer tick.Stop()
	said := ""
	for {
		if dir := stateDir(); dir != "" {
			text := ""
			if err := fillReserve(dir); err != nil {
				text = err.Error()
			}
			if text != "" && text != said {
				logger().Warn("the reserve for the state is not whole", zap.String("error", text))
			}
			said = text
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// errNoRoom: filling the reserve would itself fill the disk.
var errNoRoom = errors.New("too little space is left on the disk")

func fillReserve(stateDir string) error {
	missing := reserveSize - reserveOf(stateDir).Left
	if missing == 0 {
		return nil
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(stateDir, &fs); err != nil {
		return err
	}
	if free := int64(fs.Bavail) * fs.Bsize; free < missing+reserveSpare {
		return errNoRoom
	}
	reserveLock.Lock()
	defer reserveLock.Unlock()
	f, err := openReserve(stateDir, os.O_WRONLY|os.O_CREATE)
	if err != nil {
		return err
	}
	defer f.Close()
	return fill(f)
}

// fill gives f its blocks. Where the filesystem cannot allocate, they are
// written, with bytes that do not compress.
func fill(f *os.File) error {
	err := syscall.EINTR
	for range 100 {
		if e, ok := syscall.Fallocate(int(f.Fd()), 0, 0, reserveSize).(syscall.Errno); !ok {
			return f.Sync()
		} else if err = e; err != syscall.EINTR {
			break
		}
	}
	if err != syscall.EOPNOTSUPP && err != syscall.ENOSYS {
		return err
	}
	block := make([]byte, reservePiece)
	for at := int64(0); at < reserveSize; at += reservePiece {
		rand.Read(block)
		if _, err := f.WriteAt(block, at); err != nil {
			return err
		}
	}
	return f.Sync()
}

func openReserve(stateDir string, flags int) (*os.File, error) {
	return os.OpenFile(filepath.Join(stateDir, reserveName), flags|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o600)
}
