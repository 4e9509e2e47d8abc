import numpy as np
import pandas as pd
from sklearn.preprocessing import MinMaxScaler
from sklearn.model_selection import train_test_split
from tensorflow.keras.models import Sequential
from tensorflow.keras.layers import Conv1D, MaxPooling1D, Flatten, Dense
from tensorflow.keras.callbacks import EarlyStopping, ModelCheckpoint

t = np.arange(0, 1000)
data = np.sin(0.02 * t) + 0.2 * np.random.randn(1000)
scaler = MinMaxScaler()
data = scaler.fit_transform(data.reshape(-1, 1))
window = 50
X, y = [], []
for i in range(len(data) - window):
    X.append(data[i : i + window])
    y.append(data[i + window])
X, y = np.array(X), np.array(y)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, shuffle=False)

model = Sequential(
    [
        Conv1D(64, 3, activation="relu", input_shape=(window, 1)),
        MaxPooling1D(2),
        Flatten(),
        Dense(50, activation="relu"),
        Dense(1),
    ]
)
model.compile(optimizer="adam", loss="mse")
callbacks = [
    EarlyStopping(patience=10, restore_best_weights=True),
    ModelCheckpoint("best_model.keras", save_best_only=True),
]
model.fit(X_train, y_train, epochs=100, batch_size=16, validation_split=0.1, callbacks=callbacks, verbose=0)
model.load_weights("best_model.keras")
y_pred = model.predict(X_test)
y_pred = scaler.inverse_transform(y_pred)
rmse = np.sqrt(np.mean((y_pred - y_test) ** 2))
print(f"RMSE: {rmse:.4f}")
pd.DataFrame(y_pred).to_csv("predictions.csv")
