package main

import "testing"

// Every way in which a key file may matter, a row each. What a row leaves out
// is false, and the key file holds nothing new.
func TestWhatAKeyFileMeansNow(t *testing.T) {
	for _, c := range []struct {
		name  string
		facts loginFacts
		want  loginStep
	}{
		{"a node on its way up waits", loginFacts{}, stepGoOn},
		{"a node on its way up leaves a key alone", loginFacts{key: keyUnused, idle: true}, stepGoOn},
		{"a running node goes on", loginFacts{running: true, idle: true}, stepGoOn},
		{"a running node with guests leaves a new key alone", loginFacts{running: true, key: keyUnused}, stepGoOn},
		{"an idle one asks whether it is needed", loginFacts{running: true, idle: true, key: keyUnused}, stepAskServer},
		{"and asks once", loginFacts{running: true, idle: true, key: keyAsked}, stepGoOn},
		{"age alone ends no session", loginFacts{running: true, idle: true, old: true}, stepGoOn},
		{"a running node never counts a login that was wanted before", loginFacts{running: true, asked: true, refused: true, old: true}, stepGoOn},

		{"a sent key is waited for", loginFacts{sent: true}, stepGoOn},
		{"also when a login is asked for meanwhile", loginFacts{sent: true, asked: true}, stepGoOn},
		{"a link for people instead refuses the key", loginFacts{sent: true, asked: true, urlShown: true}, stepKeyRefused},
		{"a link alone does not, on the way up", loginFacts{sent: true, urlShown: true}, stepGoOn},
		{"a refusal refuses the key", loginFacts{sent: true, refused: true}, stepKeyRefused},
		{"even with a newer one in place", loginFacts{sent: true, refused: true, key: keyUnused}, stepKeyRefused},

		{"a wanted login takes a new key", loginFacts{asked: true, key: keyUnused}, stepTakeKey},
		{"also one that the server did not need before", loginFacts{asked: true, key: keyAsked}, stepTakeKey},
		{"a refused registration takes a new key", loginFacts{refused: true, key: keyUnused}, stepTakeKey},
		{"without one it says so", loginFacts{asked: true}, stepNeedKey},
		{"and so does a refused registration", loginFacts{refused: true}, stepNeedKey},
		{"after a while it tries again", loginFacts{asked: true, old: true}, stepTryAgain},

		{"an unknown node takes a new key, guests or not", loginFacts{running: true, gone: true, key: keyUnused}, stepTakeKey},
		{"an unknown node without one goes on", loginFacts{running: true, gone: true, old: true}, stepGoOn},
		{"one that is down says so once a login is wanted", loginFacts{gone: true}, stepGoOn},
		{"and then it does", loginFacts{gone: true, asked: true}, stepNeedKey},
	} {
		if got := nextLogin(c.facts); got != c.want {
			t.Errorf("%s: step %d, want %d", c.name, got, c.want)
		}
	}
}
