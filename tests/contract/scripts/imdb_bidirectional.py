from tensorflow.keras.datasets import imdb
from tensorflow.keras.layers import LSTM, Bidirectional, Dense, Dropout, Embedding
from tensorflow.keras.models import Sequential
from tensorflow.keras.preprocessing import sequence
import matplotlib.pyplot as plt

max_features = 20000
maxlen = 200

(x_train, y_train), (x_test, y_test) = imdb.load_data(num_words=max_features)
x_train = sequence.pad_sequences(x_train, maxlen=maxlen)
x_test = sequence.pad_sequences(x_test, maxlen=maxlen)

model = Sequential()
model.add(Embedding(max_features, 128, input_length=maxlen))
model.add(Bidirectional(LSTM(64, return_sequences=True)))
model.add(Bidirectional(LSTM(64)))
model.add(Dropout(0.5))
model.add(Dense(1, activation="sigmoid"))
model.compile("adam", "binary_crossentropy", metrics=["acc"])
history = model.fit(x_train, y_train, batch_size=64, epochs=2, validation_split=0.2)

acc = history.history["acc"]
val_acc = history.history["val_acc"]
plt.figure(figsize=(10, 4))
fig, (left, right) = plt.subplots(1, 2)
left.plot(range(1, len(acc) + 1), acc, "bo")
right.plot(range(1, len(val_acc) + 1), val_acc)
plt.savefig("history.png")
predictions = model.predict(x_test[:10])
print(predictions[0][0] > 0.5)
model.save("imdb.h5")
