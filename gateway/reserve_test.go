package main

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestTheReserveIsGivenUpPieceByPieceAndMadeAgain(t *testing.T) {
	dir := t.TempDir()
	fill := func() {
		t.Helper()
		if err := fillReserve(dir); err != nil {
			t.Fatal(err)
		}
		if r := reserveOf(dir); r.Left != reserveSize {
			t.Fatalf("%+v", r)
		}
	}
	fill()
	var st syscall.Stat_t
	if err := syscall.Stat(filepath.Join(dir, reserveName), &st); err != nil || st.Blocks*512 < reserveSize {
		t.Fatalf("%d bytes on the disk, %v", st.Blocks*512, err)
	}

	tries := 0
	full := &os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}
	err := withRoom(dir, func() error {
		if tries++; tries <= 3 {
			return full
		}
		return nil
	})
	if left := reserveOf(dir).Left; err != nil || left != reserveSize-3*reservePiece {
		t.Errorf("%v with %d bytes left", err, left)
	}
	fill()

	other := errors.New("other")
	if err := withRoom(dir, func() error { return other }); err != other || reserveOf(dir).Left != reserveSize {
		t.Errorf("%v: a piece was given up for nothing", err)
	}
	if err := withRoom(dir, func() error { return full }); !errors.Is(err, syscall.ENOSPC) || reserveOf(dir).Left != 0 {
		t.Errorf("%v: the reserve is not used up", err)
	}
	fill()
}

func TestAReserveIsNeverTakenForALink(t *testing.T) {
	dir := t.TempDir()
	mine := filepath.Join(dir, "mine")
	if err := os.WriteFile(mine, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(mine, filepath.Join(dir, reserveName)); err != nil {
		t.Fatal(err)
	}
	if fillReserve(dir) == nil || giveUp(dir) || reserveOf(dir).Left != 0 {
		t.Error("a link was followed")
	}
	if data, _ := os.ReadFile(mine); string(data) != "kept" {
		t.Errorf("%q", data)
	}
}
